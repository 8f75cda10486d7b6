"""ConvTranspose as a convolution that makes the neighbours of every pixel as channels, and brings them to their places.

With stride s and padding p, the result at s q + r is the sum over j of x[q + (r + p) // s - j] w[(r + p) % s + s j]:
for every r < s an ordinary correlation with every s-th tap (W. Shi et al., Is the deconvolution layer the same as a
convolutional layer?, arXiv 1609.07009).
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

from safecheck.ir.protos import numpy_type
from safecheck.rewrite.algebra import arrange
from safecheck.rewrite.algebra.kernels import Convolution, convolution, overall
from safecheck.rewrite.algebra.quantised import still_quantised
from safecheck.rewrite.algebra.rounding import sums_agree
from safecheck.rewrite.builder import Builder
from safecheck.rewrite.graph import MutableGraph
from safecheck.rewrite.movement.factor import FactorError
from safecheck.rewrite.rule import Candidate, Match
from safecheck.rewrite.rules.dense import evened, ungrouped

_METHOD = "both sides add the same products; those with the zeros that were added are zero"
_SPREADS = "zero times infinity or NaN is NaN, now also where a weight is zero that was added"


class DeconvolutionToConvolution:
    """ConvTranspose with two spatial axes whose result is a whole number of strides long."""

    name = "deconvolution-to-convolution"
    remedies: tuple[str, ...] = ()

    def match(self, graph: MutableGraph, node: Any) -> Match | None:
        """Offer one convolution and the reshapes and transposes behind it."""
        if node.op_type != "ConvTranspose":
            return None
        found = convolution(graph, node)
        if found is None or len(found.kernel) != 2 or set(found.dilations) != {1}:
            return Match((node,), reason="the weights are computed, the shapes are open, or it is dilated or not flat")
        try:
            candidates = tuple(still_quantised(graph, _candidates(graph, found), found.stored))
        except FactorError as failure:
            return Match((node,), reason=str(failure))
        reason = "the result is no whole number of strides long, or more is cut off than a kernel covers"
        return Match((node,), candidates, "" if candidates else reason)


def _candidates(graph: MutableGraph, found: Convolution) -> Iterator[Candidate]:
    dims, made = graph.dims(found.data) or (), graph.dims(found.result) or ()
    import numpy

    strides, outs = found.strides, made[1]
    if any(length % step for length, step in zip(made[2:], strides, strict=True)) or not arrange.fits(made):
        return
    counts = [length // step for length, step in zip(made[2:], strides, strict=True)]
    taps = [_taps(size, step, pad) for size, step, pad in zip(found.kernel, strides, found.pads[:2], strict=True)]
    before = [-min(offset for offset, _, _ in axis) for axis in taps]
    ahead = [max(offset for offset, _, _ in axis) for axis in taps]
    behind = [count - length + far for count, length, far in zip(counts, dims[2:], ahead, strict=True)]
    if min(*before, *behind) < 0:
        return
    grouped = found.weights.reshape(found.group, -1, *found.weights.shape[1:]).swapaxes(1, 2)
    dense = ungrouped(grouped.reshape(outs, -1, *found.kernel), found.group)  # (out, in, taps)
    kernel = [near + far + 1 for near, far in zip(before, ahead, strict=True)]
    weights = numpy.zeros((outs, *strides, dims[1], *kernel))
    for (row, r, tap_y), (column, c, tap_x) in product(*taps):
        weights[:, r, c, :, before[0] + row, before[1] + column] = dense[:, :, tap_y, tap_x]
    plain, pads = evened(weights.reshape(-1, dims[1], *kernel), (*before, *behind))
    bias = numpy.repeat(found.bias, strides[0] * strides[1])
    kind = numpy_type(found.dtype)
    builder = Builder(graph, found.result)
    given = [found.data, builder.constant(plain.astype(kind))]
    given += [builder.constant(bias.astype(kind))] if bool(bias.any()) else []
    padding = pads if any(pads) else None
    value = builder.add("Conv", given, kernel_shape=plain.shape[2:], pads=padding)
    shape = (dims[0], outs, *strides, *counts)
    places = arrange.enumerated(shape).transpose(0, 1, 4, 2, 5, 3).reshape(made)
    flat = (dims[0], outs * strides[0] * strides[1], *counts)
    target, value, _ = arrange.push(builder, value, found.result, places, flat)
    sizes = numpy.abs(dense).sum((1, 2, 3))
    magnitude = overall(found.data, sizes, numpy.abs(found.bias))
    claim = sums_agree(found.dtype, found.terms + 2, magnitude, _METHOD, finite_only=True, caveats=(_SPREADS,))
    yield Candidate(builder.replacement([found.data], {target: value}), claim)


def _taps(size: int, step: int, pad: int) -> list[tuple[int, int, int]]:
    """(offset of the input, position within the stride, tap) along one axis."""
    found = []
    for r in range(step):
        first = (r + pad) % step
        found += [((r + pad) // step - j, r, tap) for j, tap in enumerate(range(first, size, step))]
    return found
