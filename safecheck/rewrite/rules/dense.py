"""Convolutions in the plain form: one group, no dilation, equal padding on both sides, two spatial axes.

Zeros among the weights say what a parameter says: zero blocks between groups, zero taps between dilated ones, zero taps
on the side of the kernel where padding is added. A kernel that is as long as its stride looks at every element once:
its patches are channels of a 1x1 convolution. More channels than anybody has shown are convolved in parts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from math import prod
from typing import Any

from safecheck.ir.protos import numpy_type
from safecheck.rewrite.algebra import arrange
from safecheck.rewrite.algebra.kernels import Convolution, convolution, needed, overall, reach
from safecheck.rewrite.algebra.pointwise import WIDE, convolve_each_in_parts, convolve_in_parts
from safecheck.rewrite.algebra.quantised import still_quantised
from safecheck.rewrite.algebra.rounding import Magnitude, sums_agree
from safecheck.rewrite.builder import Builder
from safecheck.rewrite.graph import MutableGraph
from safecheck.rewrite.movement.factor import FactorError
from safecheck.rewrite.rule import Candidate, Claim, Match

_METHOD = "both sides add the same products; those with the zeros that were added are zero"
_SPREADS = "zero times infinity or NaN is NaN, now also where a weight is zero that was added"
_MAX_WEIGHTS = 1 << 25


class ConvolutionToDense:
    """Conv with groups, dilation, uneven padding, one spatial axis, or a kernel as long as its stride."""

    name = "convolution-to-dense"
    remedies: tuple[str, ...] = ()

    def match(self, graph: MutableGraph, node: Any) -> Match | None:
        """Offer the plain convolution with zeros among its weights, and one over patches."""
        if node.op_type != "Conv":
            return None
        found = convolution(graph, node)
        if found is None:
            return Match((node,), reason="the weights are computed, or the shapes are not fixed")
        if len(found.kernel) > 2:
            return None
        written, found = found.kernel, needed(graph, found)
        try:
            offers = [*_dense(graph, found, written), *_patches(graph, found)]
            candidates = list(still_quantised(graph, offers, found.stored))
        except FactorError as failure:
            return Match((node,), reason=str(failure))
        plain = found.group == 1 and set(found.dilations) == {1}
        reason = "it is in the plain form already" if plain else "with zeros among its weights it would be too large"
        return Match((node,), tuple(candidates), "" if candidates else reason)


def evened(weights: Any, pads: tuple[int, ...]) -> tuple[Any, tuple[int, ...]]:
    """Weights (out, in, kernel...) with zero taps so that the same padding does on both sides of every axis."""
    import numpy

    rank = len(pads) // 2
    gaps = [pads[axis + rank] - pads[axis] for axis in range(rank)]
    widths = [(0, 0), (0, 0), *((max(0, gap), max(0, -gap)) for gap in gaps)]
    larger = tuple(max(pads[axis], pads[axis + rank]) for axis in range(rank))
    return numpy.pad(weights, widths), larger * 2


def _spread(found: Convolution) -> Any:
    """The weights with zero taps in place of dilation."""
    import numpy

    kernel = [(size - 1) * step + 1 for size, step in zip(found.kernel, found.dilations, strict=True)]
    weights = numpy.zeros((*found.weights.shape[:2], *kernel))
    weights[(slice(None), slice(None), *(slice(None, None, step) for step in found.dilations))] = found.weights
    return weights


def ungrouped(weights: Any, group: int) -> Any:
    """Weights (out, in / group, kernel...) as (out, in, kernel...) with zeros between the groups."""
    import numpy

    outs, ins = weights.shape[0] // group, weights.shape[1]
    full = numpy.zeros((weights.shape[0], ins * group, *weights.shape[2:]), weights.dtype)
    for at in range(group):
        rows = slice(at * outs, (at + 1) * outs)
        full[rows, at * ins : (at + 1) * ins] = weights[rows]
    return full


def _dense(graph: MutableGraph, found: Convolution, written: tuple[int, ...]) -> Iterator[Candidate]:
    """The same convolution with every parameter plain, its groups kept if each is one channel.

    `written` is the kernel of the node, of which taps may have gone.
    """
    depthwise = found.weights.shape[1] == 1 and found.weights.shape[0] == found.group
    blocks = 1 if depthwise else found.group
    extent = prod((size - 1) * gap + 1 for size, gap in zip(found.kernel, found.dilations, strict=True))
    if prod(found.weights.shape[:2]) * extent * blocks > _MAX_WEIGHTS:
        return
    weights, pads = evened(_spread(found), found.pads)
    changed = written != found.kernel or weights.shape != found.weights.shape or len(found.kernel) == 1
    changed = changed or (max(weights.shape[:2]) > WIDE and blocks == 1)
    if weights.size * blocks > _MAX_WEIGHTS:
        return
    if changed:
        yield _candidate(graph, found, weights, pads, found.group)
    if found.group > 1 and not depthwise:
        yield _candidate(graph, found, ungrouped(weights, found.group), pads, 1)


def _candidate(graph: MutableGraph, found: Convolution, weights: Any, pads: tuple[int, ...], group: int) -> Candidate:
    dims, made = graph.dims(found.data) or (), graph.dims(found.result) or ()
    kernel, strides = weights.shape[2:], found.strides
    if len(kernel) == 1:
        weights, strides, pads = weights[:, :, None], (1, *strides), (0, pads[0], 0, pads[1])
    builder = Builder(graph, found.result)
    typed = weights.astype(numpy_type(found.dtype))
    more: dict[str, Any] = {"strides": strides, "pads": pads, "dilations": (1,) * len(strides), "group": group}
    if len(kernel) == 2 and max(weights.shape[:2]) > WIDE and (group == 1 or group == len(weights)):
        value = _in_parts(builder, found, typed, group, pads, (dims, made))
        return Candidate(
            builder.replacement([found.data], {found.result: value}), same_products(found, found.data, reach)
        )
    if len(kernel) == 2:
        value = found.write(builder, typed, bias_of(found), **more)
        return Candidate(
            builder.replacement([found.data], {found.result: value}), same_products(found, found.data, reach)
        )
    numbers = arrange.enumerated(dims).reshape(dims[0], dims[1], 1, dims[2])
    source, start, map_ = arrange.pull(builder, found.data, numbers)
    if map_.shape != numbers.shape:
        start = builder.reshape(start, numbers.shape)
    value = found.write(builder, typed, bias_of(found), start, **more)
    places = arrange.enumerated(made)
    target, value, _ = arrange.push(builder, value, found.result, places, (made[0], made[1], 1, made[2]))
    return Candidate(builder.replacement([source], {target: value}), same_products(found, source, overall))


def _in_parts(
    builder: Builder,
    found: Convolution,
    weights: Any,
    group: int,
    pads: tuple[int, ...],
    dims: tuple[Sequence[int], Sequence[int]],
) -> str:
    """The convolution with at most `WIDE` channels at a time; `dims` are those of the data and of the result."""
    given = {"strides": found.strides, "pads": pads}
    left = {name: entry for name, entry in given.items() if set(entry) != {int(name == "strides")}}
    batch, channels, height, width = dims[0]
    data, size = (batch, channels, height, width), (dims[1][2], dims[1][3])
    if group > 1:
        return convolve_each_in_parts(builder, found.data, data, weights, bias_of(found), size, **left)
    return convolve_in_parts(builder, found.data, data, weights.swapaxes(0, 1), bias_of(found), size, **left)


def _patches(graph: MutableGraph, found: Convolution) -> Iterator[Candidate]:
    """Patches that do not overlap, brought to the channels of a 1x1 convolution."""
    dims, made, kernel = graph.dims(found.data) or (), graph.dims(found.result) or (), found.kernel
    plain = found.group == 1 and not any(found.pads) and set(found.dilations) == {1} and len(kernel) == 2
    if not plain or kernel != found.strides or kernel == (1, 1) or not arrange.fits(dims):
        return
    if any(length % size for length, size in zip(dims[2:], kernel, strict=True)):
        return
    batch, channels = dims[:2]
    split = arrange.enumerated(dims).reshape(batch, channels, made[2], kernel[0], made[3], kernel[1])
    numbers = split.transpose(0, 1, 3, 5, 2, 4).reshape(batch, channels * prod(kernel), *made[2:])
    builder = Builder(graph, found.result)
    source, start, map_ = arrange.pull(builder, found.data, numbers)
    weights = found.weights.reshape(made[1], -1).T.astype(numpy_type(found.dtype))
    seen = (batch, len(weights), *map_.shape[2:])
    value = convolve_in_parts(builder, start, seen, weights, bias_of(found))
    places = arrange.enumerated(made)
    target, value, _ = arrange.push(builder, value, found.result, places, (batch, made[1], *map_.shape[2:]))
    yield Candidate(builder.replacement([source], {target: value}), same_products(found, source, overall))


def bias_of(found: Convolution) -> Any | None:
    """The bias in the type of the data; None if it is zero."""
    return found.bias.astype(numpy_type(found.dtype)) if bool(found.bias.any()) else None


def same_products(found: Convolution, source: str, bound: Callable[[str, Any, Any], Magnitude]) -> Claim:
    """That a result is the sum of the products that a convolution adds, and of others that are zero."""
    import numpy

    sizes = numpy.abs(found.by_group).sum((2, 3)).reshape(-1)
    magnitude = bound(source, sizes, numpy.abs(found.bias))
    return sums_agree(found.dtype, found.terms + 2, magnitude, _METHOD, finite_only=True, caveats=(_SPREADS,))
