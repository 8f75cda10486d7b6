"""Carry everything of fewer than four dimensions out in four, a whole connected island at once.

Prepending dimensions of 1 commutes with broadcasting, with products over the last two axes and with everything else
that counts axes from the end, so no operator has to change what it computes; only axes counted from the front move. The
same way leading dimensions of 1 are dropped from five and more. A single node rarely gains, because it would need a
reshape before and one behind. The gain is in islands.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from safecheck.ir.walk import entering
from safecheck.rewrite.algebra.lift import RANK, Lift, is_liftable
from safecheck.rewrite.algebra.lifting import GAIN_NOTHING, can_lift, write
from safecheck.rewrite.graph import MutableGraph
from safecheck.rewrite.memo import GraphMemo
from safecheck.rewrite.rule import Candidate, Claim, Match

_CLAIM = Claim("exact", "the same operators on the same elements; dimensions of 1 come or go in front")

_ROUNDS = {
    "Gemm": Claim("tested", "the same operators on the same elements; a product and a sum in the place of Gemm"),
    "Resize": Claim(
        "tested",
        "the same operators on the same elements; a runtime may interpolate four dimensions in another order",
    ),
}
"""Of islands with operators that round otherwise on four dimensions."""


class _Matches(GraphMemo[Match | None]):
    """The island of a node, by each of its nodes."""


class WidenToFourDimensions:
    """Islands of nodes that read or make values of fewer than four dimensions."""

    name = "widen-to-four-dimensions"
    remedies = ("keep-rank",)

    def match(self, graph: MutableGraph, node: Any) -> Match | None:
        """The island of the node; the same match for all of its nodes."""
        matches = graph.memo(_Matches).of(graph)
        if node not in matches:
            nodes = island(graph, node)
            matches.update(dict.fromkeys((node, *nodes), _match(graph, nodes) if nodes else None))
        return matches[node]


def island(graph: MutableGraph, anchor: Any) -> list[Any]:
    """The nodes to lift that are connected with the anchor through lifted values, in the order of the graph."""
    if not can_lift(graph, anchor):
        return []
    members = {anchor}
    crossed: set[str] = set()
    pending = [anchor]
    while pending:
        for neighbour in _neighbours(graph, pending.pop(), crossed):
            if neighbour not in members and can_lift(graph, neighbour):
                members.add(neighbour)
                pending.append(neighbour)
    return graph.in_order(members)


def _neighbours(graph: MutableGraph, node: Any, crossed: set[str]) -> Iterable[Any]:
    """Who makes or reads the lifted values at its ends; every value is crossed once, however many read it."""
    for name in (*node.input, *node.output):
        if name and name not in crossed and is_liftable(graph, name):
            crossed.add(name)
            maker = graph.producer(name)
            if maker is not None:
                yield maker
            yield from graph.consumers(name)


def _match(graph: MutableGraph, nodes: list[Any]) -> Match | None:
    """The island with all values of rank four; None if that is not what its nodes suffer from."""
    if all(node.op_type in GAIN_NOTHING for node in nodes):
        return None
    lift = Lift(graph, nodes[0].output[0])
    for node in nodes:
        write(lift, node)
    members = set(nodes)
    made = [name for node in nodes for name in node.output if name]
    leaving = [
        name for name in made if graph.is_output(name) or any(reader not in members for reader in graph.consumers(name))
    ]
    inputs = tuple(name for name in entering(nodes) if name not in graph.initializers)
    replacement = lift.builder.replacement(inputs, {name: lift.lowered(name) for name in leaving})
    claim = next((_ROUNDS[node.op_type] for node in nodes if node.op_type in _ROUNDS), _CLAIM)
    return Match(tuple(nodes), (Candidate(replacement, claim),), after=f"{len(nodes)} nodes on tensors of rank {RANK}")
