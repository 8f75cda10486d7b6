"""Traceability: every rule that spoke or allowed, what it rests on, and the nodes by their indices."""

from __future__ import annotations

from typing import NamedTuple

from safecheck.audit.report import Report
from safecheck.finding import Citation
from safecheck.render.audit import indices
from safecheck.render.audit.html_findings import Group
from safecheck.render.line import found_at


class Trace(NamedTuple):
    """One line of the table."""

    rule: str
    verdict: str
    grade: str
    sources: tuple[Citation, ...]
    size: str
    """How many nodes it speaks about or allows; a node of several layers rests on several rules."""
    nodes: str


def trace(report: Report, found: list[Group]) -> list[Trace]:
    """Findings first, then what the allowed nodes rest on."""
    lines = []
    for group in found:
        nodes = indices.words(finding.location for finding in group.findings) or "network inputs and outputs"
        lines.append(Trace(group.rule, str(group.verdict), group.grade, group.sources, group.count, nodes))
    if report.audit is None:
        return lines
    rules = {rule.id: rule for rule in report.profile.rules}
    for part in report.audit.allowances:
        weak = f"{part.grade}, extrapolated" if part.extrapolated else part.grade
        places = [report.audit.nodes[at].location for at in part.at]
        size, nodes = found_at(places), indices.words(places)
        lines.append(Trace(part.rule, "allowed", weak, rules[part.rule].sources, size, nodes))
    skipped = [node.location for node in report.audit.nodes if node.skipped]
    if skipped:
        lines.append(Trace("never imported", "allowed", "-", (), found_at(skipped), indices.words(skipped)))
    return lines


def sources(report: Report, lines: list[Trace]) -> list[Citation]:
    """Everything that is cited, once each, in the order of the page."""
    cited = [source for line in lines for source in line.sources]
    cited += [source for assumption in report.profile.assumptions for source in assumption.sources]
    return list({source.ref: source for source in reversed(cited)}.values())[::-1]
