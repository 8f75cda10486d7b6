"""Numbers below which no element of a value can be, read off the nodes that make it."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

from safecheck.ir.walk import is_standard
from safecheck.rewrite.attributes import attribute
from safecheck.rewrite.graph import MutableGraph

_DEPTH = 12
_NOT_NEGATIVE = frozenset((
    "Abs", "Exp", "HardSigmoid", "ReduceL1", "ReduceL2", "ReduceSumSquare", "Relu", "Sigmoid", "Softmax", "Softplus",
    "Sqrt",
))  # fmt: skip
_SELECTING = frozenset((
    "Concat", "DepthToSpace", "Expand", "Flatten", "Gather", "GlobalAveragePool", "GlobalMaxPool", "Identity",
    "ReduceMax", "ReduceMean", "ReduceMin", "Reshape", "Slice", "SpaceToDepth", "Split", "Squeeze", "Tile",
    "Transpose", "Unsqueeze",
))  # fmt: skip
"""Every element of the result is one of the first operand (of Concat, of any), or lies between some."""


def floor(graph: MutableGraph, name: str, depth: int = _DEPTH) -> float | None:
    """The largest number that is known not to be above any element, rounding aside; None if there is none."""
    constant = graph.constant(name)
    if constant is not None:
        return float(constant.min()) if constant.size and constant.dtype.kind in "fiu" else None
    node = graph.producer(name)
    if node is None or depth == 0 or not is_standard(node):
        return None
    if node.op_type in _NOT_NEGATIVE:
        return 0.0

    def of(position: int) -> float | None:
        return floor(graph, node.input[position], depth - 1)

    if node.op_type in _SELECTING:
        return _all([of(position) for position in range(len(node.input) if node.op_type == "Concat" else 1)], min)
    if node.op_type in ("Clip", "Max"):
        count = 1 if node.op_type == "Clip" else len(node.input)
        return _raised(graph, node, [of(position) for position in range(count)])
    if node.op_type == "Pow":
        exponent = graph.constant(node.input[1])
        even = exponent is not None and exponent.size == 1 and float(exponent.reshape(-1)[0]) % 2 == 0
        return 0.0 if even else None
    if node.op_type == "Mul" and node.input[0] == node.input[1]:
        return 0.0
    if node.op_type == "ReduceSum":
        return _all([of(0)], lambda floors: 0.0 if floors[0] >= 0 else None)
    if node.op_type == "Add":
        return _all([of(0), of(1)], sum)
    if node.op_type in ("Div", "Mul"):
        product = node.op_type == "Mul"
        return _all([of(0), of(1)], lambda floors: None if min(floors) < 0 else prod(floors) if product else 0.0)
    return None


def _all(floors: list[float | None], combine: Callable[[list[float]], float | None]) -> float | None:
    """What the floors give together, if every one is known."""
    known = [entry for entry in floors if entry is not None]
    return combine(known) if len(known) == len(floors) else None


def _raised(graph: MutableGraph, node: Any, floors: list[float | None]) -> float | None:
    """Clip and Max: the largest of the floors that are known, unless Clip's maximum is lower still."""
    if node.op_type == "Clip":
        floors.append(_number(graph, node, "min", 1))
        highest = _number(graph, node, "max", 2)
        if highest is None and len(node.input) > 2 and node.input[2]:
            return None  # computed
    else:
        highest = None
    found = max((entry for entry in floors if entry is not None), default=None)
    return found if found is None or highest is None else min(found, highest)


def _number(graph: MutableGraph, node: Any, name: str, position: int) -> float | None:
    """An attribute or a constant operand of one element; None if it is neither."""
    limit = attribute(node, name)
    if limit is not None:
        return float(limit.f)
    constant = graph.constant(node.input[position]) if len(node.input) > position and node.input[position] else None
    return None if constant is None or constant.size != 1 else float(constant.reshape(-1)[0])
