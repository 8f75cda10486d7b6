"""Convolutions over time and over volumes, with everything between them, on two spatial axes.

A single one rarely gains, because it would need a reshape before and one behind. The gain is in islands.
"""

from __future__ import annotations

from typing import Any

from safecheck.rewrite.algebra.planar import RANKS, Planar, can_fold, write
from safecheck.rewrite.graph import MutableGraph
from safecheck.rewrite.memo import GraphMemo
from safecheck.rewrite.rule import Candidate, Claim, Match

_ANCHORS = frozenset(("Conv", "ConvTranspose"))
_EXACT = Claim("exact", "the same operators on the same elements in the same order, seen with two spatial axes")
_TESTED = Claim(
    "tested",
    "the same products and sums; a runtime may add them in another order with two spatial axes, and zeros among them",
    finite_only=True,
    caveats=("zero times infinity or NaN is NaN, now also where a window over depth does not reach",),
)


class _Matches(GraphMemo[Match | None]):
    """The island of a node, by each of its nodes."""


class ConvolveInTwoDimensions:
    """Islands around Conv and ConvTranspose with one spatial axis, or Conv with three."""

    name = "convolve-in-two-dimensions"
    remedies: tuple[str, ...] = ()

    def match(self, graph: MutableGraph, node: Any) -> Match | None:
        """The island of the node; the same match for all of its nodes."""
        matches = graph.memo(_Matches).of(graph)
        if node not in matches:
            rank = len(graph.dims(node.output[0]) or ())
            nodes = _island(graph, node, rank) if rank in RANKS else []
            lines = rank == 3  # without a convolution they are lifted by dimensions in front
            wanted = nodes if any(not lines or part.op_type in _ANCHORS for part in nodes) else []
            found = _match(graph, wanted, rank) if wanted else None
            matches.update(dict.fromkeys((node, *nodes), found))
        return matches[node]


def _island(graph: MutableGraph, anchor: Any, rank: int) -> list[Any]:
    """The nodes that are connected with the anchor through maps of this rank, in the order of the graph."""
    if not can_fold(graph, anchor, rank):
        return []
    members, pending = {anchor}, [anchor]
    while pending:
        node = pending.pop()
        names = [name for name in (*node.input, *node.output) if len(graph.dims(name) or ()) == rank]
        makers = [graph.producer(name) for name in names]
        readers = [reader for name in names for reader in graph.consumers(name)]
        for neighbour in (*makers, *readers):
            if neighbour is not None and neighbour not in members and can_fold(graph, neighbour, rank):
                members.add(neighbour)
                pending.append(neighbour)
    return graph.in_order(members)


def _match(graph: MutableGraph, nodes: list[Any], rank: int) -> Match:
    planar = Planar(graph, nodes[0].output[0], rank)
    for node in nodes:
        write(planar, node)
    members = set(nodes)
    made = [node.output[0] for node in nodes]
    leaving = [
        name for name in made if graph.is_output(name) or any(reader not in members for reader in graph.consumers(name))
    ]
    results = planar.results(leaving)
    replacement = planar.builder.replacement(tuple(dict.fromkeys(planar.sources)), results)
    candidates = tuple(Candidate(replacement, claim) for claim in (_EXACT, _TESTED))
    return Match(tuple(nodes), candidates, after=f"{len(nodes)} nodes on maps with two spatial axes")
