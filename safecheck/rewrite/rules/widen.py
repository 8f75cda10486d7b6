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
from safecheck.rewrite.graph import Bench
from safecheck.rewrite.memo import GraphMemo
from safecheck.rewrite.rule import Claim, Option, Site

_CLAIM = Claim("exact", "the same operators on the same elements; dimensions of 1 come or go in front")

_INTERPOLATES = Claim(
    "tested",
    "the same operators on the same elements; a runtime may interpolate four dimensions in another order than fewer",
)


class _Sites(GraphMemo[Site | None]):
    """The island of a node, by each of its nodes."""


class WidenToFourDimensions:
    """Islands of nodes that read or make values of fewer than four dimensions."""

    name = "widen-to-four-dimensions"
    remedies = ("keep-rank",)

    def match(self, bench: Bench, node: Any) -> Site | None:
        """The island of the node; the same site for all of its nodes."""
        sites = bench.memo(_Sites).of(bench)
        if node not in sites:
            nodes = island(bench, node)
            sites.update(dict.fromkeys((node, *nodes), _site(bench, nodes) if nodes else None))
        return sites[node]


def island(bench: Bench, anchor: Any) -> list[Any]:
    """The nodes to lift that are connected with the anchor through lifted values, in the order of the graph."""
    if not can_lift(bench, anchor):
        return []
    members = {anchor}
    crossed: set[str] = set()
    pending = [anchor]
    while pending:
        for neighbour in _neighbours(bench, pending.pop(), crossed):
            if neighbour not in members and can_lift(bench, neighbour):
                members.add(neighbour)
                pending.append(neighbour)
    return bench.in_order(members)


def _neighbours(bench: Bench, node: Any, crossed: set[str]) -> Iterable[Any]:
    """Who makes or reads the lifted values at its ends; every value is crossed once, however many read it."""
    for name in (*node.input, *node.output):
        if name and name not in crossed and is_liftable(bench, name):
            crossed.add(name)
            maker = bench.producer(name)
            if maker is not None:
                yield maker
            yield from bench.consumers(name)


def _site(bench: Bench, nodes: list[Any]) -> Site | None:
    """The island with all values of rank four; None if that is not what its nodes suffer from."""
    if all(node.op_type in GAIN_NOTHING for node in nodes):
        return None
    lift = Lift(bench, nodes[0].output[0])
    for node in nodes:
        write(lift, node)
    members = set(nodes)
    made = [name for node in nodes for name in node.output if name]
    leaving = [
        name for name in made if bench.is_output(name) or any(reader not in members for reader in bench.consumers(name))
    ]
    inputs = tuple(name for name in entering(nodes) if name not in bench.initializers)
    replacement = lift.sketch.replacement(inputs, {name: lift.lowered(name) for name in leaving})
    claim = _INTERPOLATES if any(node.op_type == "Resize" for node in nodes) else _CLAIM
    return Site(tuple(nodes), (Option(replacement, claim),), after=f"{len(nodes)} nodes on tensors of rank {RANK}")
