"""Convolutions with long kernels, wide dilation, long strides or much padding, in pieces that are in scope.

The windows along an axis are cut into pieces of a few taps. What every piece sees is picked from the axis, padding
included, by one convolution with zeros and ones, and the pieces are channels beside each other: one convolution over
all of them adds the same products. A dilated window falls into single taps, so that no zeros are multiplied.
"""

from __future__ import annotations

from math import prod
from typing import Any, NamedTuple

from safecheck.ir.protos import numpy_type
from safecheck.rewrite.algebra.axis_map import multiply, turn
from safecheck.rewrite.algebra.kernels import Convolution, convolution, needed, reach
from safecheck.rewrite.algebra.pointwise import convolve_in_parts
from safecheck.rewrite.algebra.quantised import still_quantised
from safecheck.rewrite.builder import Builder
from safecheck.rewrite.graph import MutableGraph
from safecheck.rewrite.movement.operators import MAX_ELEMENTS
from safecheck.rewrite.movement.program import Style, Writer
from safecheck.rewrite.rule import Candidate, Match
from safecheck.rewrite.rules.dense import bias_of, same_products, ungrouped

_TAPS, _STRIDE, _PADDING = 7, 4, 3
"""The longest kernel, the longest stride and the widest padding of NVIDIA's CSA network, along one axis."""
_MAX_WEIGHTS = 1 << 25


class ConvolutionInPieces:
    """Conv whose window, dilation, stride or padding is beyond what is known to be in scope."""

    name = "convolution-in-pieces"
    remedies: tuple[str, ...] = ()

    def match(self, graph: MutableGraph, node: Any) -> Match | None:
        """Offer the pieces beside each other and one convolution over them."""
        found = convolution(graph, node) if node.op_type == "Conv" else None
        if found is None or len(found.kernel) != 2:
            return None
        found = needed(graph, found)
        axes = [_axis(graph, found, axis) for axis in range(2)]
        if all(axis.picks is None for axis in axes):
            return None
        pieces = prod(axis.pieces for axis in axes)
        dims = graph.dims(found.data) or ()
        blocks = 1 if _each(found) else found.group
        if pieces * prod(dims) > MAX_ELEMENTS or pieces * found.weights.size * blocks > _MAX_WEIGHTS:
            return Match((node,), reason="its pieces beside each other would be too large")
        candidate = Candidate(_written(graph, found, axes), same_products(found, found.data, reach))
        return Match((node,), tuple(still_quantised(graph, (candidate,), found.stored)))


class _Axis(NamedTuple):
    """How the windows along one spatial axis fall into pieces."""

    pieces: int
    taps: int
    """Of a piece."""
    stride: int
    padding: int
    """On both sides, what is left to the convolution."""
    picks: Any | None
    """(pieces x elements of a piece, elements) of zeros and ones; None if the axis stays as it is."""


def _axis(graph: MutableGraph, found: Convolution, axis: int) -> _Axis:
    import numpy

    kernel, stride, gap = found.kernel[axis], found.strides[axis], found.dilations[axis]
    low, high = found.pads[axis], found.pads[axis + 2]
    size, places = (graph.dims(found.data) or ())[axis + 2], (graph.dims(found.result) or ())[axis + 2]
    if kernel <= _TAPS and (gap == 1 or kernel == 1) and stride <= _STRIDE and low == high <= min(_PADDING, kernel - 1):
        return _Axis(1, kernel, stride, low, None)
    single = gap > 1 or stride > _STRIDE
    count = kernel if single else -(-kernel // _TAPS)
    taps = 1 if single else -(-kernel // count)
    length = places if single else (places - 1) * stride + taps
    step = stride if single else 1
    seen = numpy.arange(count)[:, None] * taps * gap + numpy.arange(length) * step - low
    picks = numpy.zeros((count * length, size), numpy_type(found.dtype))
    rows = numpy.flatnonzero((seen >= 0) & (seen < size))
    picks[rows, seen.reshape(-1)[rows]] = 1
    return _Axis(count, taps, 1 if single else stride, 0, picks)


def _written(graph: MutableGraph, found: Convolution, axes: list[_Axis]) -> Any:
    import numpy

    dims, made = graph.dims(found.data) or (), graph.dims(found.result) or ()
    builder = Builder(graph, found.result)
    writer = Writer(builder, found.data, dims, found.dtype, Style("copy", "tail"))
    batch, channels, height, width = dims
    rows, columns = axes
    if rows.picks is not None:
        multiply(writer, (batch * channels, height, width, 1), rows.picks.T)
        height = len(rows.picks) // rows.pieces
        channels *= rows.pieces
    if columns.picks is not None:
        turn(writer, (1, batch * channels, height, width))
        multiply(writer, (batch * channels, width, height, 1), columns.picks.T)
        width = len(columns.picks) // columns.pieces
        channels *= columns.pieces
        turn(writer, (1, batch * channels, width, height))
    writer.view((batch, channels, height, width))
    pieces = rows.pieces * columns.pieces
    each = _each(found)
    weights = _cut(found.weights if each else ungrouped(found.weights, found.group), rows, columns)
    typed = weights.reshape(channels, 1, rows.taps, columns.taps) if each else weights
    typed, bias = typed.astype(numpy_type(found.dtype)), bias_of(found)
    if typed.shape[2:] == (1, 1) and not each:
        wide = typed[:, :, 0, 0].T
        writer.value = convolve_in_parts(builder, writer.value, (batch, channels, height, width), wide, bias)
    else:
        if each and bias is not None:
            bias = numpy.where(numpy.arange(channels) % pieces == 0, numpy.repeat(bias, pieces), 0).astype(bias.dtype)
        padding = {"pads": [rows.padding, columns.padding] * 2} if rows.padding or columns.padding else {}
        strides = {"strides": [rows.stride, columns.stride]} if max(rows.stride, columns.stride) > 1 else {}
        group = {"group": channels} if each and channels > 1 else {}
        writer.value = builder.conv(writer.value, typed, bias, **strides, **padding, **group)
    writer.dims = (batch, channels if each else made[1], *made[2:])
    if each:
        multiply(writer, (batch * made[1], pieces, prod(made[2:]), 1), numpy.ones((pieces, 1), numpy_type(found.dtype)))
    writer.view(made)
    return builder.replacement([found.data], {found.result: writer.value})


def _each(found: Convolution) -> bool:
    """Whether every channel is a group of its own."""
    return bool(found.weights.shape[1] == 1 and found.group == found.weights.shape[0])


def _cut(weights: Any, rows: _Axis, columns: _Axis) -> Any:
    """Weights (out, in, kernel...) as (out, in x pieces, taps...), with zeros behind the last tap."""
    import numpy

    outs, ins = weights.shape[:2]
    full = [axis.pieces * axis.taps for axis in (rows, columns)]
    wide = numpy.zeros((outs, ins, *full))
    wide[:, :, : weights.shape[2], : weights.shape[3]] = weights
    cut = wide.reshape(outs, ins, rows.pieces, rows.taps, columns.pieces, columns.taps).swapaxes(3, 4)
    return cut.reshape(outs, ins * rows.pieces * columns.pieces, rows.taps, columns.taps)
