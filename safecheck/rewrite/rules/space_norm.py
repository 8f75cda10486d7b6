"""Instance and group normalisation, whose means are pools over the map, with Newton's iteration for the deviation."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import prod
from typing import Any

from safecheck.rewrite.algebra.arrange import fits
from safecheck.rewrite.algebra.collapse import WINDOW, Collapse
from safecheck.rewrite.algebra.deviation import Deviation, why_not
from safecheck.rewrite.algebra.plane import Plane
from safecheck.rewrite.algebra.repeat import multiplied, resized
from safecheck.rewrite.attributes import attribute, integer
from safecheck.rewrite.builder import Builder
from safecheck.rewrite.graph import MutableGraph
from safecheck.rewrite.movement.factor import FactorError
from safecheck.rewrite.movement.program import StyleError
from safecheck.rewrite.rule import Candidate, Match

_DTYPE = "FLOAT"


@dataclass(frozen=True)
class _Groups:
    """What is normalised: [batch, groups, height, width], the map of each group together."""

    dims: tuple[int, int, int, int]
    deviation: Deviation
    scale: Any
    """One number per channel, flat, float64."""
    bias: Any
    channels: tuple[int, ...]
    """[batch, channels, height, width] of the same elements."""


class SpaceNormalizationToNewton:
    """InstanceNormalization and GroupNormalization."""

    name = "space-normalization-to-newton"
    remedies: tuple[str, ...] = ()

    def match(self, graph: MutableGraph, node: Any) -> Match | None:
        """Offer the program with every kind of pool and of repetition."""
        if node.op_type not in ("GroupNormalization", "InstanceNormalization"):
            return None
        found = _read(graph, node)
        if isinstance(found, str):
            return Match((node,), reason=found)
        candidates = tuple(_candidates(graph, node, found))
        return Match((node,), candidates, "" if candidates else "the deviations cannot be repeated over the map")


def _read(graph: MutableGraph, node: Any) -> _Groups | str:
    """The groups, or why they cannot be rewritten."""
    import numpy

    dims, dtype = graph.dims(node.input[0]), graph.tensor(node.input[0]).dtype
    if dims is None or len(dims) < 3 or not fits(dims):
        return "the shape of the input is not fixed, empty or too large"
    if refusal := why_not(dtype):
        return refusal
    given = [array for name in node.input[1:3] if (array := graph.constant(name)) is not None and array.size]
    if len(given) != 2:
        return "scale or bias is computed"
    groups = integer(node, "num_groups", 1) if node.op_type == "GroupNormalization" else dims[1]
    if groups < 1 or dims[1] % groups or any(dims[1] % array.size for array in given):
        return "the groups do not divide the channels"
    # Operator set 18 gives one number per group, later ones one per channel.
    scale, bias = (numpy.repeat(numpy.asarray(array, numpy.float64), dims[1] // array.size) for array in given)
    channels = (dims[0], dims[1], dims[2], prod(dims[3:]))
    height = dims[1] // groups * dims[2]
    if height * channels[3] == 1:
        return "a map of one element is normalised: nothing but the bias is left of it"
    epsilon = attribute(node, "epsilon")
    deviation = Deviation(height * channels[3], 1e-5 if epsilon is None else epsilon.f)
    seen = (dims[0], groups, height, channels[3])
    deviation = deviation.measured(graph, node.input[0], seen, (2, 3))
    return _Groups(seen, deviation, scale, bias, channels)


def _candidates(graph: MutableGraph, node: Any, found: _Groups) -> Iterator[Candidate]:
    for by_resize in (True, False):
        for reduce in _REDUCTIONS:
            try:
                yield _written(graph, node, found, by_resize, reduce)
            except (FactorError, StyleError):
                continue


def _whole(collapse: Collapse) -> None:
    collapse.pool_at("AveragePool", collapse.dims[2:])


def _in_steps(collapse: Collapse) -> None:
    collapse.pool("AveragePool", (2, 3), WINDOW)


def _convolved(collapse: Collapse) -> None:
    import numpy

    collapse.convolve(lambda n: 1 / n, numpy.float32, (2, 3))


_REDUCTIONS = (_whole, _in_steps, _convolved)
"""One window, windows of permitted size, and convolutions for sizes that are primes."""


def _written(
    graph: MutableGraph, node: Any, found: _Groups, by_resize: bool, reduce: Callable[[Collapse], None]
) -> Candidate:
    source, result = node.input[0], node.output[0]
    builder = Builder(graph, result)
    own = graph.dims(source) or ()
    dims: tuple[int, ...] = found.dims
    value = source if own == dims else builder.reshape(source, dims)
    small = Plane(builder, (dims[0], dims[1], 1, 1), _DTYPE)

    def mean(data: str) -> str:
        collapse = Collapse(builder, data, dims)
        reduce(collapse)
        collapse.view(small.seen)
        return collapse.value

    def spread(data: str) -> str:
        if not by_resize:
            return multiplied(builder, data, small.dims, dims, _DTYPE, small.seen)
        return resized(builder, small.leave(data), small.dims, dims, _DTYPE)

    whole = Plane(builder, found.channels, _DTYPE)
    if whole.seen[1] != found.channels[1]:
        raise StyleError("more channels than a convolution may have")
    centred = builder.add("Add", [value, spread(small.affine(mean(value), -1.0))])
    start = len(builder.nodes)
    variance = small.affine(mean(builder.add("Mul", [centred, centred])), 1.0, found.deviation.epsilon)
    inverse = found.deviation.inverse(small, variance)
    keep = tuple(node.output[0] for node in builder.nodes[start:])
    made = builder.add("Mul", [centred, spread(inverse)])
    if bool((found.scale != 1).any()) or bool(found.bias.any()):
        made = made if dims == found.channels else builder.reshape(made, found.channels)
        dims = found.channels
        made = whole.affine(made, found.scale, found.bias)
    made = made if dims == own else builder.reshape(made, own)
    flat = (*found.dims[:2], found.deviation.count)
    per_element = tuple(
        array.reshape(1, found.dims[1], -1).repeat(found.channels[2] * found.channels[3], axis=2)
        for array in (found.scale, found.bias)
    )
    claim = found.deviation.claim(
        lambda feed: feed[source].reshape(flat),
        2,
        (per_element[0], per_element[1]),
        lambda limits: limits.reshape(own),
        keep,
    )
    return Candidate(builder.replacement([source], {result: made}), claim)
