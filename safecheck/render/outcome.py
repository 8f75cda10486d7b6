"""What a run shows about one model in the formats that are kept: text and JSON, as plain values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from safecheck.render.line import Line, joined

if TYPE_CHECKING:  # what is kept is shown without knowing what a report is
    from safecheck.report import Report

KEPT = frozenset({"text", "json"})
"""Formats that can be written without the report."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One model."""

    exit_code: int
    verdict: str
    lines: tuple[Line, ...]
    """All that the text report says about it."""
    headline: Line
    """Its verdict in one line."""
    json: Mapping[str, Any]
    """The JSON report."""

    def as_json(self) -> dict[str, Any]:
        """The values for `from_json`."""
        return {
            "exit_code": self.exit_code,
            "verdict": self.verdict,
            "lines": self.lines,
            "headline": self.headline,
            "json": self.json,
        }


def from_json(found: Mapping[str, Any]) -> Outcome:
    """The outcome that `as_json` described."""
    return Outcome(
        exit_code=found["exit_code"],
        verdict=found["verdict"],
        lines=tuple(Line(*part) for part in found["lines"]),
        headline=Line(*found["headline"]),
        json=found["json"],
    )


def of(report: Report) -> Outcome:
    """What is shown about a report."""
    from safecheck.render.json import content
    from safecheck.render.text import about, headline

    return Outcome(
        exit_code=report.exit_code,
        verdict=str(report.verdict),
        lines=tuple(about(report)),
        headline=headline(report),
        json=content(report),
    )


def text_lines(outcomes: Sequence[Outcome], quiet: bool = False) -> Iterator[Line]:
    """The text report; when quiet, only what does not pass and how many there were of each verdict."""
    if not quiet:
        return joined((outcome.lines, outcome.headline) for outcome in outcomes)
    return _quiet(outcomes)


def _quiet(outcomes: Sequence[Outcome]) -> Iterator[Line]:
    failed = [outcome for outcome in outcomes if outcome.exit_code]
    if failed:
        yield from joined((outcome.lines, outcome.headline) for outcome in failed)
    counts = Counter(outcome.verdict for outcome in outcomes)
    parts = ", ".join(f"{count} {verdict}" for verdict, count in sorted(counts.items()))
    yield Line(f"{len(outcomes)} {'model' if len(outcomes) == 1 else 'models'}: {parts}")
