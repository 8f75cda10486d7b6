"""Which numbers a slice of a value can hold, where that is known better than of the value as a whole.

The last column of a product is the product with the last column, and where that column is padding it is a constant: so
a network that computes a sum of weights along with what they weigh divides by what is never negative.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from safecheck.ir.walk import is_standard
from safecheck.rewrite.attributes import integers, operand, text
from safecheck.rewrite.finite_operators import Extent
from safecheck.rewrite.graph import MutableGraph

_DEEP = 16
"""So many nodes are looked through."""


class _Slice(NamedTuple):
    """Elements from `start` up to `stop` along an axis that is counted from behind, -1 being the last."""

    axis: int
    start: int
    stop: int


def sliced(graph: MutableGraph, node: Any, known: Mapping[str, Extent]) -> Extent | None:
    """What a Slice along one axis makes; None if no more is known than of all elements of its operand."""
    starts, ends, steps = (operand(graph, node, position) for position in (1, 2, 4))
    axes, dims = operand(graph, node, 3), graph.dims(node.input[0])
    if dims is None or not starts or not ends or len(starts) != 1 or len(ends) != 1 or steps not in ((), (1,)):
        return None
    axis = (axes[0] if axes else 0) % len(dims)
    length = dims[axis]
    start, stop = (min(max(end + length if end < 0 else end, 0), length) for end in (starts[0], ends[0]))
    return _part(graph, node.input[0], _Slice(axis - len(dims), start, stop), known, _DEEP) if start < stop else None


def _part(graph: MutableGraph, name: str, piece: _Slice, known: Mapping[str, Extent], deep: int) -> Extent | None:
    maker = graph.producer(name)
    if maker is None or not deep or not is_standard(maker):
        return None
    if maker.op_type in ("Cast", "Identity"):
        return _part(graph, maker.input[0], piece, known, deep - 1)
    if maker.op_type == "Transpose":
        rank = len(graph.dims(name) or ())
        order = integers(maker, "perm") or tuple(reversed(range(rank)))
        moved = piece._replace(axis=order[piece.axis] % rank - rank)
        return _part(graph, maker.input[0], moved, known, deep - 1)
    if maker.op_type == "MatMul" and piece.axis in (-1, -2):
        pair = [known.get(read) for read in maker.input]
        at = 1 if piece.axis == -1 else 0
        if len(graph.dims(maker.input[0]) or ()) < 2 or len(graph.dims(maker.input[1]) or ()) < 2:
            return None
        pair[at] = _part(graph, maker.input[at], piece, known, deep - 1) or pair[at]
        positive = all(part is not None and part.low >= 0 for part in pair)
        return Extent(0.0) if positive else None
    return _padded(graph, maker, piece, known, deep) if maker.op_type == "Pad" else None


def _padded(graph: MutableGraph, pad: Any, piece: _Slice, known: Mapping[str, Extent], deep: int) -> Extent | None:
    """The constant where the slice lies in the padding, a part of the operand where it lies in that."""
    pads, dims = operand(graph, pad, 1), graph.dims(pad.input[0])
    if len(pad.input) > 3 and pad.input[3]:  # for some axes
        return None
    if not pads or dims is None or text(pad, "mode", "constant") != "constant" or len(pads) != 2 * len(dims):
        return None
    low, size = pads[piece.axis - len(dims)], dims[piece.axis]
    if piece.stop <= low or piece.start >= low + size:
        return known.get(pad.input[2]) if len(pad.input) > 2 and pad.input[2] else Extent(0.0, 0.0)
    if low <= piece.start and piece.stop <= low + size:
        inner = _Slice(piece.axis, piece.start - low, piece.stop - low)
        return _part(graph, pad.input[0], inner, known, deep - 1) or known.get(pad.input[0])
    return None
