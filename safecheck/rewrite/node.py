"""Nodes of a mutable graph: what a NodeProto says, under an identity of its own, and at a place in an order."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from operator import attrgetter
from typing import Any

from safecheck.ir.schemas import meant
from safecheck.ir.walk import captures, is_standard, reads, subgraphs

PLACE = attrgetter("place")
_GAP = 1 << 32
_BROADCASTS = 7
"""The operator set from which on shapes alone say how operands stretch."""
_BY_ATTRIBUTE = frozenset(
    {"Add", "And", "Div", "Equal", "Gemm", "Greater", "Less", "Mul", "Or", "PRelu", "Pow", "Sub", "Xor"}
)
"""Operators that stretched an operand along an attribute's axis before."""


class Node:
    """A node of the main graph. It reads like its NodeProto, and is equal to nothing but itself.

    Only the graph that it belongs to changes it.
    """

    __slots__ = ("domain", "input", "name", "op_type", "output", "place", "proto", "reads", "stamp")

    input: tuple[str, ...]
    output: tuple[str, ...]
    reads: tuple[str, ...]
    """What it reads, as often as it does, including what the graphs it holds capture from outside."""

    def __init__(self, proto: Any, opset: int) -> None:
        self.proto = proto
        self.domain: str = proto.domain
        self.op_type: str = _named(proto, opset)
        """With its domain where that is not ONNX's, with its operator set where it is not what the name stands for."""
        self.name: str = proto.name
        self.place = 0
        """Grows along the order of the graph."""
        self.stamp = 0
        """Another number after every change of the node, of what makes or reads its values, and of their types."""
        self._look()

    def _look(self) -> None:
        self.input = tuple(self.proto.input)
        self.output = tuple(self.proto.output)
        self.reads = tuple(reads(self.proto))

    @property
    def attribute(self) -> Any:
        """The AttributeProtos."""
        return self.proto.attribute

    def rewire(self, name: str, source: str) -> None:
        """Let it, and the graphs it holds, read `source` where they read `name`."""
        _rewire(self.proto, name, source)
        self._look()

    def rename(self, name: str, new: str) -> None:
        """Let it make `new` in place of `name`."""
        self.proto.output[self.output.index(name)] = new
        self._look()


def stretches_by_attribute(op_type: str, opset: int) -> bool:
    """Whether a standard operator stretches an operand along an attribute's axis, which onnxruntime does not run."""
    return opset < _BROADCASTS and op_type in _BY_ATTRIBUTE


def _named(proto: Any, opset: int) -> str:
    name: str = proto.op_type
    if not is_standard(proto):
        return f"{proto.domain}::{name}"
    form = meant(name, opset)
    if form is not None and not stretches_by_attribute(name, opset):
        least, most, fewest, largest = form.arity
        if least <= len(proto.input) <= most and fewest <= len(proto.output) <= largest:
            return name
    return f"ai.onnx {opset}::{name}"


class Order:
    """Nodes one after the other; the place of a node says at once which of two comes first."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []

    def position(self, node: Node) -> int:
        """Where a node stands, or stood: how many come before it."""
        return bisect_left(self.nodes, node.place, key=PLACE)

    def insert(self, at: int, nodes: Sequence[Node]) -> None:
        """Put nodes in a row before the one at a position."""
        first = self.nodes[at - 1].place if at else 0
        last = self.nodes[at].place if at < len(self.nodes) else first + _GAP * (len(nodes) + 1)
        self.nodes[at:at] = nodes
        if last - first > len(nodes):
            for number, node in enumerate(nodes, 1):
                node.place = first + number * (last - first) // (len(nodes) + 1)
        else:  # no room is left; the order stays as it is
            for number, node in enumerate(self.nodes, 1):
                node.place = number * _GAP

    def remove(self, node: Node) -> None:
        """Take a node out."""
        del self.nodes[self.position(node)]


def _rewire(node: Any, name: str, source: str) -> None:
    for position, value in enumerate(node.input):
        if value == name:
            node.input[position] = source
    for graph in subgraphs(node):
        if name in set(captures(graph)):
            for inner in graph.node:
                _rewire(inner, name, source)
            for output in graph.output:
                if output.name == name:
                    output.name = source
