"""What a room works out about nodes of a graph, kept as long as it holds; `MutableGraph.memo` gives each its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from safecheck.rewrite.graph import MutableGraph, Node

_Answer = TypeVar("_Answer")


class NodeMemo(Generic[_Answer]):
    """Answers that depend on a node, on what makes and reads its values, and on their types; a room derives its own."""

    def __init__(self) -> None:
        self._answers: dict[Node, tuple[int, _Answer]] = {}

    def of(self, node: Node, ask: Callable[[], _Answer]) -> _Answer:
        """The answer about a node; asked for again once something that it depends on has changed."""
        known = self._answers.get(node)
        if known is None or known[0] != node.stamp:
            known = self._answers[node] = node.stamp, ask()
        return known[1]


class GraphMemo(Generic[_Answer]):
    """Answers about nodes that depend on whatever is around them: all are forgotten when the graph changes."""

    def __init__(self) -> None:
        self._answers: dict[Node, _Answer] = {}
        self._version = 0

    def of(self, graph: MutableGraph) -> dict[Node, _Answer]:
        """The answers about the graph as it stands, to be looked up and added to."""
        if self._version != graph.version:
            self._answers, self._version = {}, graph.version
        return self._answers
