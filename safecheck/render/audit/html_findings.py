"""Findings as the HTML report shows them: grouped by rule, every row inert text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from safecheck.audit.decisions import Deviation
from safecheck.audit.illustration import Alternative, Illustration
from safecheck.audit.report import Report
from safecheck.finding import EXPORTER_FORM, Citation, Finding, Grade, Verdict
from safecheck.render.audit.problems import fact, operator
from safecheck.render.html.layout import Drawing, drawing
from safecheck.text import printable

MOST_ROWS = 12_000
_NAME = 90
_TEXT = 2000


class Row(NamedTuple):
    """One finding."""

    position: int | str
    """Of the node in its graph; empty for a network input or output."""
    node: str
    operator: str
    layers: str
    facts: tuple[str, ...]
    picture: int | None
    alike: bool
    """False if the picture is of a place that is only similar."""
    deviation: Deviation | None
    known: bool


class Figure(NamedTuple):
    """A neighbourhood, what could stand there instead, and how many places look like it."""

    number: int
    node: str
    places: int
    now: Drawing
    rewrite: str
    instead: Drawing | None


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
    count: int
    deviated: int
    known: int
    rows: tuple[Row, ...]
    figures: tuple[Figure, ...]
    forms: tuple[str, ...]
    """Which exporter spells it so, and what others write."""

    @property
    def left_out(self) -> int:
        """Findings that there is no room for; they are in the JSON."""
        return self.count - len(self.rows)


def groups(report: Report, pictures: Illustration) -> list[Group]:
    """Forbidden first, then the best founded, then those with the most places."""
    by_rule: dict[tuple[str, Verdict], list[Finding]] = {}
    for finding in report.audit.findings if report.audit is not None else ():
        by_rule.setdefault((finding.rule, finding.verdict), []).append(finding)
    room = MOST_ROWS
    found = []
    for findings in sorted(by_rule.values(), key=_weight):
        shown = findings[:room]
        room -= len(shown)
        found.append(_group(report, pictures, findings, shown))
    return found


def _weight(findings: list[Finding]) -> tuple[int, int, int, str]:
    first = findings[0]
    grade = len(Grade) if first.grade is None else list(Grade).index(first.grade)
    return -first.verdict.severity, grade, -len(findings), first.rule


def _group(report: Report, pictures: Illustration, findings: list[Finding], shown: list[Finding]) -> Group:
    first = findings[0]
    places: dict[int, int] = {}
    for finding in findings:
        number = pictures.shown_by.get(finding.fingerprint)
        if number is not None:
            places[number] = places.get(number, 0) + 1
    return Group(
        rule=first.rule,
        verdict=first.verdict,
        grade=grade_words(first.grade),
        title=printable(first.message, _TEXT),
        why=printable(first.why, _TEXT),
        advice=printable(first.advice, _TEXT),
        remedies=tuple(printable(name, 100) for name in first.remedies),
        sources=first.sources,
        count=len(findings),
        deviated=sum(finding.fingerprint in report.decisions.deviated for finding in findings),
        known=sum(finding.fingerprint in report.decisions.debt for finding in findings),
        rows=tuple(_row(report, pictures, finding) for finding in shown),
        figures=tuple(_figure(pictures, number, count) for number, count in sorted(places.items())),
        forms=tuple(
            dict.fromkeys(
                printable(f"{part.actual}; {part.limit}", _TEXT)
                for finding in findings
                for part in finding.evidence
                if part.fact == EXPORTER_FORM
            )
        ),
    )


def grade_words(grade: Grade | None) -> str:
    """The grade, or that there is none."""
    return "no evidence" if grade is None else str(grade)


def _row(report: Report, pictures: Illustration, finding: Finding) -> Row:
    place = finding.location
    number = pictures.shown_by.get(finding.fingerprint)
    similar = pictures.similar.get((finding.rule, place.op_type)) if place.index is not None else None
    return Row(
        position="" if place.index is None else place.index,
        node=node_words(finding),
        operator=operator(place) if place.index is not None else "network input or output",
        layers=", ".join(printable(layer, 100) for layer in finding.layers),
        facts=tuple(fact(part) for part in finding.evidence if part.fact != EXPORTER_FORM),
        picture=similar if number is None else number,
        alike=number is not None,
        deviation=report.decisions.deviated.get(finding.fingerprint),
        known=finding.fingerprint in report.decisions.debt,
    )


def node_words(finding: Finding) -> str:
    """The node's name, or what it makes; and the nested graph or function it is in."""
    place = finding.location
    name = printable(place.node, _NAME) or f"→ {', '.join(printable(output, 60) for output in place.outputs[:3])}"
    return f"{name} (in {printable(place.scope, _NAME)})" if place.scope else name


def _figure(pictures: Illustration, number: int, places: int) -> Figure:
    picture = pictures.drawn[number]
    place = picture.finding.location
    other: Alternative | None = None
    if not place.scope and place.index is not None:
        other = pictures.alternatives.get(place.index)
    return Figure(
        number=number,
        node=node_words(picture.finding),
        places=places,
        now=drawing(picture.diagram),
        rewrite=other.rewrite if other is not None else "",
        instead=drawing(other.diagram) if other is not None else None,
    )
