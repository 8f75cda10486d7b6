"""Findings as the HTML report shows them: grouped by rule, then by what was found, every place inert text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from safecheck.audit.report import Report
from safecheck.finding import EXPORTER_FORM, Citation, Finding, Grade, Verdict
from safecheck.render.audit.html_figures import Figure, Figures
from safecheck.render.audit.problems import fact, operator
from safecheck.render.line import found_at
from safecheck.text import printable

MOST_PLACES = 12_000
NAME = 200
"""Characters of a name; exporters write whole paths of modules."""
_TEXT = 2000


class Place(NamedTuple):
    """One finding."""

    position: int | None
    """Of the node in its graph; None for a network input or output."""
    node: str


class Form(NamedTuple):
    """Findings that say the same of the same operator."""

    operator: str
    layers: str
    facts: tuple[str, ...]
    mark: str
    """The deviation that covers them, or that a baseline knows them; empty if they are open."""
    status: str
    """`deviated`, `known` or empty."""
    figures: tuple[int, ...]
    places: tuple[Place, ...]
    size: int
    """Places, also those that there is no room for."""


@dataclass(frozen=True)
class Group:
    """What one rule says about one model."""

    rule: str
    verdict: Verdict
    grade: str
    title: str
    why: str
    advice: str
    remedies: tuple[str, ...]
    sources: tuple[Citation, ...]
    findings: tuple[Finding, ...]
    deviated: int
    known: int
    forms: tuple[Form, ...]
    figures: tuple[Figure, ...]
    """Those that are drawn here for the first time."""
    idioms: tuple[str, ...]
    """Which exporter spells it so, and what others write."""

    @property
    def count(self) -> str:
        """At how many nodes."""
        return found_at(finding.location for finding in self.findings)

    @property
    def left_out(self) -> int:
        """Findings that there is no room for; they are in the JSON."""
        return len(self.findings) - sum(len(form.places) for form in self.forms)


def groups(report: Report, figures: Figures) -> list[Group]:
    """Forbidden first, then the best founded, then those with the most places."""
    by_rule: dict[tuple[str, Verdict], list[Finding]] = {}
    for finding in report.findings:
        by_rule.setdefault((finding.rule, finding.verdict), []).append(finding)
    room = MOST_PLACES
    found = []
    for findings in sorted(by_rule.values(), key=_weight):
        found.append(_group(report, figures, findings, room))
        room = max(0, room - len(findings))
    return found


def _weight(findings: list[Finding]) -> tuple[int, int, int, str]:
    first = findings[0]
    grade = len(Grade) if first.grade is None else list(Grade).index(first.grade)
    return -first.verdict.severity, grade, -len(findings), first.rule


def _group(report: Report, figures: Figures, findings: list[Finding], room: int) -> Group:
    first = findings[0]
    return Group(
        rule=first.rule,
        verdict=first.verdict,
        grade=grade_words(first.grade),
        title=printable(first.message, _TEXT),
        why=printable(first.why, _TEXT),
        advice=printable(first.advice, _TEXT),
        remedies=tuple(printable(name, 100) for name in first.remedies),
        sources=first.sources,
        findings=tuple(findings),
        deviated=sum(finding.fingerprint in report.decisions.deviated for finding in findings),
        known=sum(finding.fingerprint in report.decisions.debt for finding in findings),
        figures=tuple(figures.first_of(findings)),
        forms=tuple(_forms(report, figures, findings, room)),
        idioms=tuple(
            dict.fromkeys(
                printable(f"{part.actual}; {part.limit}", _TEXT)
                for finding in findings
                for part in finding.evidence
                if part.fact == EXPORTER_FORM
            )
        ),
    )


def _forms(report: Report, figures: Figures, findings: list[Finding], room: int) -> list[Form]:
    """What has the most places first."""
    alike: dict[tuple[object, ...], list[int]] = {}
    for position, finding in enumerate(findings):
        facts = tuple(part for part in finding.evidence if part.fact != EXPORTER_FORM)
        place = finding.location
        what = (place.domain, place.op_type, place.index is None)
        alike.setdefault((what, finding.layers, facts, _mark(report, finding)), []).append(position)
    found = []
    for positions in sorted(alike.values(), key=lambda positions: (-len(positions), positions)):
        here = [findings[position] for position in positions]
        first = here[0]
        mark, status = _mark(report, first)
        found.append(
            Form(
                operator=operator(first.location) if first.location.index is not None else "network input or output",
                layers=", ".join(printable(layer, 100) for layer in first.layers),
                facts=tuple(fact(part) for part in first.evidence if part.fact != EXPORTER_FORM),
                mark=mark,
                status=status,
                figures=figures.of(here),
                places=tuple(
                    Place(findings[position].location.index, node_words(findings[position]))
                    for position in positions
                    if position < room
                ),
                size=len(here),
            )
        )
    return found


def _mark(report: Report, finding: Finding) -> tuple[str, str]:
    deviation = report.decisions.deviated.get(finding.fingerprint)
    if deviation is not None:
        return f"◐ deviated by {printable(deviation.id, 60)} until {deviation.expires_on}", "deviated"
    return ("known debt", "known") if finding.fingerprint in report.decisions.debt else ("", "")


def grade_words(grade: Grade | None) -> str:
    """The grade, or that there is none."""
    return "no evidence" if grade is None else str(grade)


def node_words(finding: Finding) -> str:
    """The node's name, or what it makes; and the nested graph or function it is in."""
    place = finding.location
    name = printable(place.node, NAME) or f"→ {', '.join(printable(output, 60) for output in place.outputs[:3])}"
    return f"{name} (in {printable(place.scope, NAME)})" if place.scope else name
