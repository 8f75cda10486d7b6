"""What decides a verdict, in words that a reader knows: how many places, how many `fix` takes away, what is left.

A place is an operator of the network: a layer normalisation is one, whether the exporter wrote one node or nine. Every
node belongs to one place, and what somebody has decided about already, by a deviation or a baseline, decides nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from safecheck.audit.kinds import CONSTANTS, Part
from safecheck.audit.remedies import BATCH, FOLDING, INLINING, RANK
from safecheck.audit.report import Report
from safecheck.finding import Finding, Location, Verdict
from safecheck.ir.signatures import Occurrence
from safecheck.values import dataclass

INTERFACE = "network inputs, outputs and weights"
_DISSOLVING = frozenset({FOLDING, BATCH, INLINING})
"""Remedies after which nothing is left to judge; the others put layers there that the target has to allow."""
_HELPERS = ("IConstantLayer", "IShuffleLayer", "IIdentityLayer", "ICastLayer")
"""Layers that importers add around an operator's own."""


@dataclass(frozen=True, slots=True)
class Row:
    """One kind of operator that is not allowed everywhere."""

    what: str
    """In words: `LayerNormalization`, `products of activations`, an operator of the file."""
    verdict: Verdict
    """The worst of its findings."""
    rules: tuple[str, ...]
    """The rules that speak, the one that says most about it first."""
    places: int
    """Operators of the network, however many nodes an exporter made of each."""
    nodes: int
    """Nodes of the file that these are written as and that have findings; 0 for what is no node."""
    removed: int
    """Places where every finding names a remedy: `fix` carries it out, if its proof holds."""
    remedies: tuple[str, ...]
    where: tuple[Location, ...]
    """The first node of each place that has findings, in the order of the file."""

    @property
    def left(self) -> int:
        """Places that no remedy removes."""
        return self.places - self.removed


def decision(report: Report) -> tuple[Row, ...]:
    """The rows of the table, sorted by what decides: what no remedy removes first, then what has the most places.

    What an exporter computes from constants comes last: folding it leaves nothing to judge.

    Empty if nothing was judged, or nothing stands against the model.
    """
    audit = report.audit
    if audit is None:
        return ()
    open_ = [finding for finding in audit.findings if not report.decisions.settles(finding.fingerprint)]
    by_node: dict[tuple[str, int], list[Finding]] = {}
    outside: dict[str, list[Finding]] = {}
    for finding in open_:
        place = finding.location
        if place.index is None:
            outside.setdefault(f"{place.scope}\0{place.outputs}", []).append(finding)
        else:
            by_node.setdefault((place.scope, place.index), []).append(finding)
    kinds: dict[str, list[list[Finding]]] = {}
    for what, nodes in _places(audit.signatures.nodes, audit.parts, by_node) if by_node else ():
        kinds.setdefault(what, []).append([finding for node in nodes for finding in by_node[node]])
    if outside:
        kinds[INTERFACE] = list(outside.values())
    spoken = Counter(finding.rule for finding in open_)
    builds = report.profile.builds
    rows = [_row(what, places, spoken, builds) for what, places in kinds.items()]
    return tuple(sorted(rows, key=lambda row: (-row.left, row.what == CONSTANTS, -row.places, row.what)))


def asked(rows: Iterable[Row]) -> tuple[bool, bool]:
    """Whether `fix` has to be asked for a batch, and for four dimensions: by itself it changes no interface."""
    found = list(rows)
    border = [row for row in found if row.what == INTERFACE]
    return any(BATCH in row.remedies for row in found), any(RANK in row.remedies for row in border)


def _places(
    nodes: Sequence[Occurrence], known: Sequence[Part], found: dict[tuple[str, int], list[Finding]]
) -> Iterable[tuple[str, list[tuple[str, int]]]]:
    """Every operator with findings: what it is, and its nodes that have some; in the order of the file."""
    places: dict[int, tuple[str, list[tuple[str, int]]]] = {}
    for occurrence, part in zip(nodes, known, strict=True):
        if (key := (occurrence.node.scope.path, occurrence.node.index)) in found:
            places.setdefault(part.whole, (part.what, []))[1].append(key)
    return places.values()


def _removable(finding: Finding, builds: bool) -> bool:
    return bool(finding.remedies) and (builds or not _DISSOLVING.isdisjoint(finding.remedies))


def _row(what: str, places: list[list[Finding]], spoken: Counter[str], builds: bool) -> Row:
    findings = [finding for place in places for finding in place]
    here = Counter(finding.rule for finding in findings)
    first = {finding.rule: finding for finding in reversed(findings)}

    def weight(rule: str) -> tuple[object, ...]:
        """Worst first; then what is about the operator's own layer, and about few others."""
        helper = all(layer.partition(":")[0] in _HELPERS for layer in first[rule].layers)
        return (-first[rule].verdict.severity, helper, -here[rule] / spoken[rule], -here[rule], rule)

    return Row(
        what=what,
        verdict=max((finding.verdict for finding in findings), key=lambda verdict: verdict.severity),
        rules=tuple(sorted(here, key=weight)),
        places=len(places),
        nodes=len({finding.location for finding in findings if finding.location.index is not None}),
        removed=sum(all(_removable(finding, builds) for finding in place) for place in places),
        remedies=tuple(dict.fromkeys(name for finding in findings for name in finding.remedies)),
        where=tuple(place[0].location for place in places),
    )
