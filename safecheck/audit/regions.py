"""Where in the network its findings are: between which points that all data passes, alike regions counted once.

A residual network has a trunk, the nodes that all data has to pass; what hangs between two of them is one region: an
attention block, a feed-forward block. Twelve blocks that hold the same operators are one item of the report.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from safecheck.audit.kinds import OF_ACTIVATIONS, WITH_WEIGHTS, Part
from safecheck.audit.report import Report
from safecheck.ir.signatures import Occurrence
from safecheck.ir.trunk import islands

TRUNK = "between the blocks"
NESTED = "nested graphs and functions"
_ACTIVATIONS = ("Gelu", "Relu", "Sigmoid", "HardSwish", "Elu", "Mish")


class Region(NamedTuple):
    """Alike regions of the main graph, or all nodes of the nested graphs and functions."""

    what: str
    """`attention block`, `feed-forward block`, `transformer block` for both, `block`, or one of the words above."""
    spans: tuple[tuple[int, int], ...]
    """First and last node of each; empty for what is spread over the network."""
    operators: tuple[tuple[str, int], ...]
    """In words, with the places that have findings in all of these regions together; most first."""
    rules: tuple[tuple[str, int], ...]
    """Rules with the number of nodes that they speak of in these regions; most first."""


def regions(report: Report) -> tuple[Region, ...]:
    """The regions with findings that nobody has decided about, in the order of the network."""
    if report.audit is None or report.model is None:
        return ()
    rules: dict[tuple[str, int], list[str]] = {}
    for finding in report.audit.findings:
        place = finding.location
        if place.index is not None and not report.decisions.settles(finding.fingerprint):
            rules.setdefault((place.scope, place.index), []).append(finding.rule)
    if not rules:
        return ()
    nodes, known = report.audit.signatures.nodes, report.audit.parts
    groups: dict[tuple[object, ...], list[list[int]]] = {}
    for what, positions in _members(nodes, known):
        inside = Counter(known[position].what for position in positions if known[position].whole == position)
        alike = (what, *(sorted(inside.items()) if what.endswith("block") else ()))
        groups.setdefault(alike, []).append(positions)
    found = [_region(str(key[0]), members, nodes, known, rules) for key, members in groups.items()]
    return tuple(region for region in found if region.rules)


def _region(
    what: str,
    members: list[list[int]],
    nodes: Sequence[Occurrence],
    known: Sequence[Part],
    rules: dict[tuple[str, int], list[str]],
) -> Region:
    spoken: Counter[str] = Counter()
    places = set()
    for position in (position for positions in members for position in positions):
        node = nodes[position].node
        said = rules.get((node.scope.path, node.index), ())
        spoken.update(said)
        if said:
            places.add((known[position].what, known[position].whole))
    operators = Counter(kind for kind, _ in places)
    spans = tuple((nodes[one[0]].node.index, nodes[one[-1]].node.index) for one in members) if "block" in what else ()
    return Region(what, spans if what != TRUNK else (), _ordered(operators), _ordered(spoken))


def _ordered(counts: Counter[str]) -> tuple[tuple[str, int], ...]:
    return tuple(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _members(nodes: Sequence[Occurrence], known: Sequence[Part]) -> Iterator[tuple[str, list[int]]]:
    """The positions of the nodes of each region, and what it is; regions in the order of their first nodes."""
    main = [position for position, occurrence in enumerate(nodes) if not occurrence.node.scope.path]
    if not main:
        return
    blocks = islands(
        nodes[main[0]].node.scope, [nodes[position].node.index for position in main if nodes[position].fixed]
    )
    at = {nodes[position].node.index: position for position in main}
    taken: set[int] = set()
    for block in blocks:
        positions = [at[index] for index in block]
        # Within one operator that an exporter wrote out, data takes several ways as well.
        if len({known[position].whole for position in positions}) > 1:
            taken.update(block)
            yield _name({known[position].what for position in positions}), positions
    yield TRUNK, [position for position in main if nodes[position].node.index not in taken]
    yield NESTED, [position for position in range(len(nodes)) if nodes[position].node.scope.path]


def _name(kinds: set[str]) -> str:
    attends = (OF_ACTIVATIONS in kinds and "Softmax" in kinds) or "Attention" in kinds
    feeds = WITH_WEIGHTS in kinds and bool(kinds.intersection(_ACTIVATIONS))
    if attends:
        return "transformer block" if feeds else "attention block"
    return "feed-forward block" if feeds else "block"
