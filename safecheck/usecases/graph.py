"""The audited graph: every node of a report with its verdict, as networkx."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from typing import TYPE_CHECKING

from safecheck.audit.report import Report
from safecheck.errors import UsageError
from safecheck.finding import Finding
from safecheck.ir.signature import Signature
from safecheck.strict.yaml import suggest
from safecheck.text import printable

if TYPE_CHECKING:
    from safecheck.ir.topology import Graph


def audited_graph(report: Report) -> Graph:
    """The graph of a model that could be read, with the verdict on every node.

    Besides what `topology.view` gives them, nodes have `verdict` (`deviated` where valid deviations cover every
    finding), `layers`, `rules` and `fingerprints` of the findings, parted by blanks, `signature` (nodes of equal
    signature get the same verdict) and `region` (of nodes with findings that hang together, counted from 1; else 0).
    The graph itself has `model`, `sha256`, `profile`, `verdict`, and `rules` of findings about inputs and outputs.
    """
    from safecheck.ir.topology import node_id, regions, view

    assert report.model is not None
    assert report.audit is not None
    graph = view(report.model.graph)
    graph.graph |= {
        "model": printable(os.path.basename(report.path)),
        "sha256": report.model.sha256,
        "profile": report.profile.id,
        "verdict": str(report.verdict),
        "rules": _rules(finding for finding in report.findings if finding.location.index is None),
    }
    charged: dict[tuple[str, int | None], list[Finding]] = {}
    for finding in report.findings:
        charged.setdefault((finding.location.scope, finding.location.index), []).append(finding)
    nodes = zip(report.node_kinds, report.audit.nodes, report.audit.signatures.nodes, strict=True)
    for kind, node, occurrence in nodes:
        place = occurrence.node
        found = charged.get((place.scope.path, place.index), [])
        graph.nodes[node_id(place.scope.path, place.index)].update(
            verdict=kind,
            layers=" ".join(node.layers),
            rules=_rules(found),
            fingerprints=" ".join(finding.fingerprint for finding in found),
            signature=_digest(occurrence.signature),
            region=0,
        )
    for number, region in enumerate(regions(graph), 1):
        for name in region:
            graph.nodes[name]["region"] = number
    return graph


def _rules(findings: Iterable[Finding]) -> str:
    return " ".join(dict.fromkeys(finding.rule for finding in findings))


def _digest(signature: Signature) -> str:
    return hashlib.sha256(repr(signature).encode("utf-8", "surrogatepass")).hexdigest()[:16]


def neighbourhood(graph: Graph, named: str, hops: int) -> Graph:
    """The part of a graph within so many steps of the node that a user names by id, or by a name that only it has.

    Raises:
        UsageError: there is no such node, or several have the name.
    """
    from safecheck.ir.topology import around

    named = printable(named, 10 * len(named) + 1)
    names: dict[str, str] = {node: graph.nodes[node]["name"] for node in graph}
    nodes = [named] if named in graph else [node for node, name in names.items() if name == named]
    if len(nodes) != 1:
        shown = printable(named, 80)
        what = f"{len(nodes)} nodes are called '{shown}'" if nodes else f"there is no node '{shown}'"
        todo = (
            f"use one of: {', '.join(nodes[:8])}" if nodes else "give the name of a node, or its index as in a report"
        )
        raise UsageError(
            "SC-CFG-NODE", "--around", f"{what}{'' if nodes else suggest(named, filter(None, names.values()))}", todo
        )
    return around(graph, nodes[0], hops)
