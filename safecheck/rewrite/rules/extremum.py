"""The largest or smallest element along axes by halving: the larger of two is a + max(b - a, 0).

The axis becomes the channels of 1x1 convolutions with zeros and ones that pick the first half, and of others that
subtract it from the second half.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import Any

from safecheck.ir.protos import numpy_type
from safecheck.rewrite.algebra.axis_map import multiply, turn
from safecheck.rewrite.algebra.larger import larger
from safecheck.rewrite.algebra.plane import UNSIGNED_ZERO
from safecheck.rewrite.algebra.pointwise import WIDE
from safecheck.rewrite.algebra.rounding import FLOATS, LARGEST, maximum
from safecheck.rewrite.algebra.windows import windows
from safecheck.rewrite.attributes import axes_of
from safecheck.rewrite.builder import Builder
from safecheck.rewrite.graph import MutableGraph
from safecheck.rewrite.movement.program import Style, Writer
from safecheck.rewrite.rule import Candidate, Match

_CAVEATS = (UNSIGNED_ZERO, LARGEST, "NaN and infinities spread along the axis")
_TAIL = Style("copy", "tail")


class ExtremumByHalving:
    """ReduceMax, ReduceMin, GlobalMaxPool, and MaxPool whose only window sees the whole map."""

    name = "extremum-by-halving"
    remedies: tuple[str, ...] = ()

    def match(self, graph: MutableGraph, node: Any) -> Match | None:
        """Offer a program of picks, differences and Relu, one axis after the other."""
        axes = _axes(graph, node)
        if axes is None:
            return None
        dims, dtype = graph.dims(node.input[0]) or (), graph.tensor(node.input[0]).dtype
        if dtype not in FLOATS or max(dims[axis] for axis in axes) > WIDE:
            return Match((node,), reason=f"an axis is longer than {WIDE}, or its type is none that convolutions have")
        return Match((node,), (_candidate(graph, node, axes, dtype),))


def _axes(graph: MutableGraph, node: Any) -> tuple[int, ...] | None:
    """The axes along which one element remains; None if the node is another one."""
    dims = graph.dims(node.input[0]) if node.input else None
    if dims is None or graph.dims(node.output[0]) is None or 0 in dims or any(node.output[1:]):
        return None
    found: tuple[int, ...] | None = None
    if node.op_type in ("ReduceMax", "ReduceMin"):
        found = axes_of(graph, node, len(dims))
    elif node.op_type == "GlobalMaxPool":
        found = tuple(range(2, len(dims)))
    elif node.op_type == "MaxPool":
        lie = windows(graph, node) or []
        whole = bool(lie) and all(axis.places == 1 and len(axis.elements(0)) == axis.size for axis in lie)
        found = tuple(range(2, len(dims))) if whole else None
    return tuple(axis for axis in found or () if dims[axis] > 1) or None


def _candidate(graph: MutableGraph, node: Any, axes: tuple[int, ...], dtype: str) -> Candidate:
    import numpy

    source, result = node.input[0], node.output[0]
    dims = graph.dims(source) or ()
    builder = Builder(graph, result)
    writer = Writer(builder, source, dims, dtype, _TAIL)
    sign = -1 if node.op_type == "ReduceMin" else 1
    steps = 0
    shape = list(dims)
    for axis in sorted(axes, key=lambda at: -dims[at]):  # the axes that lose most go first
        steps += _halve(writer, shape, axis, 1 if steps else sign)
        shape[axis] = 1
    if sign < 0:  # the smallest is the largest of the negated ones
        multiply(writer, (1, 1, prod(shape[:-1]), shape[-1]), numpy.full((1, 1), -1, numpy_type(dtype)))
    made = graph.dims(result) or ()
    writer.view(made)

    def peak(feed: Mapping[str, Any]) -> Any:
        return numpy.abs(feed[source].astype(numpy.float64)).max(axis=axes, keepdims=True).reshape(made)

    claim = maximum(steps, dtype, peak, "along the axes", _CAVEATS)
    return Candidate(builder.replacement([source], {result: writer.value}), claim)


def _halve(writer: Writer, dims: list[int], axis: int, sign: int) -> int:
    """Leave the largest element along an axis, of the negated ones if the sign is negative; returns how many steps."""
    import numpy

    before, size, behind = prod(dims[:axis]), dims[axis], prod(dims[axis + 1 :])
    if behind == 1 and before > 1:  # the rows go into space, so that the batch does not grow
        turn(writer, (1, before // dims[axis - 1], dims[axis - 1], size))
        before, behind = before // dims[axis - 1], dims[axis - 1]
    kind = numpy_type(writer.dtype)
    steps = 0
    while size > 1:
        half = (size + 1) // 2
        first, second = numpy.eye(size, half, dtype=kind), numpy.eye(size, half, half - size, dtype=kind)
        factor = numpy.asarray(1 if steps else sign, kind)
        larger(writer, (before, size, behind, 1), factor * first, factor * second)
        size, steps = half, steps + 1
    return steps
