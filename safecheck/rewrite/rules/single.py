"""What is computed in DOUBLE between values of FLOAT is computed in FLOAT, as TensorRT would do without saying so.

A whole connected island at once, because every single node would need a change of type on either side.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from safecheck.intake.dtypes import dtype_number
from safecheck.ir.walk import entering, is_standard
from safecheck.rewrite.algebra.lifting import BROADCAST, SAME
from safecheck.rewrite.builder import Builder
from safecheck.rewrite.graph import MutableGraph
from safecheck.rewrite.memo import GraphMemo
from safecheck.rewrite.rule import Candidate, Claim, Match

_WIDE, _NARROW = "DOUBLE", "FLOAT"
_OTHERS = frozenset((
    "AveragePool", "Concat", "Conv", "CumSum", "Einsum", "Expand", "Flatten", "Gather", "Gemm", "MatMul",
    "ReduceMax", "ReduceMean", "ReduceMin", "ReduceSum", "Reshape", "Slice", "Softmax", "Split", "Squeeze", "Tile",
    "Transpose", "Unsqueeze",
))  # fmt: skip
_GENERIC = (SAME | BROADCAST | _OTHERS) - {"Cast"}
"""Operators that compute in the type of their operands."""
_CLAIM = Claim(
    "tested",
    "the same operators with 24 bits in place of 53",
    caveats=("the largest number is 3.4e38, and differences of nearly equal numbers lose what 24 bits do not hold",),
)


class _Matches(GraphMemo[Match | None]):
    """The island of a node, by each of its nodes."""


class ComputeInSingle:
    """Islands of nodes that make or read DOUBLE."""

    name = "compute-in-single"
    remedies: tuple[str, ...] = ()

    def match(self, graph: MutableGraph, node: Any) -> Match | None:
        """The island of the node; the same match for all of its nodes."""
        matches = graph.memo(_Matches).of(graph)
        if node not in matches:
            nodes = _island(graph, node)
            matches.update(dict.fromkeys((node, *nodes), _match(graph, nodes) if nodes else None))
        return matches[node]


def _takes_part(graph: MutableGraph, node: Any) -> bool:
    """Whether a node makes or reads DOUBLE and could do the same with FLOAT."""
    if not is_standard(node) or not node.input or any(graph.tensor(name).dtype is None for name in node.output if name):
        return False
    made = {graph.tensor(name).dtype for name in node.output if name}
    if node.op_type == "Cast":
        return {graph.tensor(node.input[0]).dtype, *made} == {_WIDE, _NARROW}
    computed = any(graph.constant(name) is None for name in node.input if name)
    return node.op_type in _GENERIC and made == {_WIDE} and computed


def _island(graph: MutableGraph, anchor: Any) -> list[Any]:
    """The nodes that are connected with the anchor through values of DOUBLE, in the order of the graph."""
    if not _takes_part(graph, anchor):
        return []
    members, pending = {anchor}, [anchor]
    while pending:
        for neighbour in _neighbours(graph, pending.pop()):
            if neighbour not in members and _takes_part(graph, neighbour):
                members.add(neighbour)
                pending.append(neighbour)
    return graph.in_order(members)


def _neighbours(graph: MutableGraph, node: Any) -> Iterator[Any]:
    for name in (*node.input, *node.output):
        if name and graph.tensor(name).dtype == _WIDE and name not in graph.initializers:
            maker = graph.producer(name)
            if maker is not None:
                yield maker
            yield from graph.consumers(name)


def _match(graph: MutableGraph, nodes: list[Any]) -> Match:
    import numpy

    builder = Builder(graph, nodes[0].output[0])
    narrow: dict[str, str] = {}

    def of(name: str) -> str:
        """The operand in FLOAT."""
        array = graph.constant(name)
        if not name or graph.tensor(name).dtype != _WIDE:
            return name
        if array is not None:
            return builder.constant(array.astype(numpy.float32))
        if name not in narrow:
            narrow[name] = builder.add("Cast", [name], to=dtype_number(_NARROW))
        return narrow[name]

    with numpy.errstate(over="ignore"):
        for node in nodes:
            if node.op_type == "Cast":
                narrow[node.output[0]] = of(node.input[0])
                continue
            made = builder.again(node, [of(name) for name in node.input])
            narrow.update({old: new for old, new in zip(node.output, made, strict=True) if old})
    members = set(nodes)
    leaving = [
        name for node in nodes for name in node.output
        if name and (graph.is_output(name) or any(reader not in members for reader in graph.consumers(name)))
    ]  # fmt: skip
    results = {
        name: builder.add("Cast", [narrow[name]], to=dtype_number(_WIDE))
        if graph.tensor(name).dtype == _WIDE
        else narrow[name]
        for name in leaving
    }
    inputs = tuple(name for name in entering(nodes) if name not in graph.initializers)
    candidate = Candidate(builder.replacement(inputs, results), _CLAIM)
    return Match(tuple(nodes), (candidate,), after=f"{len(nodes)} nodes in FLOAT")
