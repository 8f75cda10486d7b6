"""Operators that only move data, carried out on element numbers instead of elements.

Semantics follow the ONNX operator definitions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from safecheck.ir.walk import is_standard
from safecheck.rewrite.attributes import attribute, integers, text
from safecheck.rewrite.graph import MutableGraph
from safecheck.rewrite.memo import NodeMemo
from safecheck.rewrite.movement import arrange, nearest, pick, resample
from safecheck.rewrite.movement.factor import FactorError
from safecheck.rewrite.movement.numbers import Numbers
from safecheck.rewrite.movement.selection import SELECTIONS, einsum_order, is_selection
from safecheck.text import printable

MAX_ELEMENTS = 1 << 24
"""Of one value; larger ones are not traced."""

_Move = Callable[[MutableGraph, Any, list[Numbers]], list[Numbers]]


class _Slots(NodeMemo[Sequence[int] | None]):
    """Answers of `data_slots`."""


class _Moved(NodeMemo[frozenset[str]]):
    """Answers of `moved`."""


def data_slots(graph: MutableGraph, node: Any) -> Sequence[int] | None:
    """Positions of the operands whose elements a node moves; None if it does anything but move them.

    Every other operand (axes, indices, shapes) has to be a constant, and every shape fixed.
    """
    if not is_standard(node) or (node.op_type not in _MOVES and node.op_type not in SELECTIONS):
        return None
    return graph.memo(_Slots).of(node, lambda: _checked_slots(graph, node))


def moved(graph: MutableGraph, node: Any) -> frozenset[str]:
    """The values whose elements a node moves; none if it does anything but move them.

    Whoever asks for each of a million operands of one node finds it here, without going through the others.
    """
    return graph.memo(_Moved).of(node, lambda: frozenset(node.input[at] for at in data_slots(graph, node) or ()))


def _checked_slots(graph: MutableGraph, node: Any) -> Sequence[int] | None:
    slots = _slots(graph, node)
    if slots is None:
        return None
    for position, name in enumerate(node.input):
        if name and position not in slots and graph.constant(name) is None:
            return None
    for name in (*(node.input[position] for position in slots), *(name for name in node.output if name)):
        dims = graph.dims(name)
        if dims is None or _count(dims) > MAX_ELEMENTS:
            return None
    return slots


def _slots(graph: MutableGraph, node: Any) -> Sequence[int] | None:
    kind = node.op_type
    if is_product(node):
        return is_selection(graph, node)
    if kind == "Einsum":
        return (0,) if einsum_order(node) is not None else None
    if kind == "Concat":
        return range(len(node.input))  # as a tuple, it would be searched for each operand
    if kind == "Where":
        return (1, 2)
    if kind in ("ScatterElements", "ScatterND", "Scatter"):
        return (0, 2) if text(node, "reduction", "none") in ("none", "add") else None
    if kind == "GridSample":
        return (0,) if nearest.is_nearest(node) else None
    if kind in ("Resize", "Upsample"):
        return (0,) if resample.is_nearest(graph, node) else None
    if kind in ("AveragePool", "MaxPool"):
        return (0,) if len(node.output) == 1 and set(integers(node, "kernel_shape") or (0,)) == {1} else None
    if kind == "Pad":
        return _padded(node)
    return (0,)


def _padded(node: Any) -> tuple[int, ...] | None:
    """The data, and what is put around it; before operator set 11 an attribute says what."""
    mode, around = text(node, "mode", "constant"), attribute(node, "value")
    if mode not in ("constant", "edge", "reflect", "wrap") or (around is not None and around.f):
        return None
    return (0, 2) if mode == "constant" and len(node.input) > 2 and node.input[2] else (0,)


def move(graph: MutableGraph, node: Any, data: list[Numbers]) -> list[Numbers]:
    """Element numbers of the outputs from those of the moved operands, in the order of `data_slots`.

    Raises:
        FactorError: the shapes contradict each other, as where a file declares one that its nodes do not make.
    """
    try:
        if is_product(node):
            return [SELECTIONS[node.op_type](graph, node, data[0])]
        return _MOVES[node.op_type](graph, node, data)
    except (ValueError, IndexError) as contradiction:
        raise FactorError(f"the shapes of {printable(node.op_type, 40)} contradict each other") from contradiction


def selects(node: Any) -> bool:
    """Whether a moving node computes: a product or sum spreads NaN and loses the sign of zero."""
    return text(node, "reduction", "none") != "none" or is_product(node)


def is_product(node: Any) -> bool:
    """Whether the node is one of `SELECTIONS`."""
    return node.op_type in SELECTIONS and (node.op_type != "Einsum" or len(node.input) > 1)


def _count(dims: Sequence[int]) -> int:
    count = 1
    for dim in dims:
        count *= dim
    return count


_MOVES: dict[str, _Move] = {
    "AveragePool": arrange.single_window,
    "Concat": pick.concat,
    "DepthToSpace": arrange.depth_to_space,
    "Einsum": arrange.einsum,
    "Expand": arrange.expand,
    "Flatten": arrange.reshaped,
    "Gather": pick.gather,
    "GatherElements": pick.gather_elements,
    "GatherND": pick.gather_nd,
    "GridSample": arrange.grid_sample,
    "Identity": arrange.reshaped,
    "MaxPool": arrange.single_window,
    "Pad": arrange.pad,
    "Reshape": arrange.reshaped,
    "Resize": resample.resize,
    "ReverseSequence": arrange.reverse_sequence,
    "Scatter": pick.scatter_elements,
    "ScatterElements": pick.scatter_elements,
    "ScatterND": pick.scatter_nd,
    "Slice": pick.slice_,
    "SpaceToDepth": arrange.space_to_depth,
    "Split": pick.split,
    "Squeeze": arrange.reshaped,
    "Tile": arrange.tile,
    "Transpose": arrange.transpose,
    "Unsqueeze": arrange.reshaped,
    "Upsample": resample.resize,
    "Where": pick.where,
}
