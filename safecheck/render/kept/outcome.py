"""What a run shows about one model in the formats that are kept: text and JSON, as plain values."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from safecheck.errors import worst
from safecheck.render.line import Line, told_apart

if TYPE_CHECKING:  # what is kept is shown without knowing what a report is
    from safecheck.audit.report import Report


@dataclass(frozen=True, slots=True)
class Outcome:
    """One model, in the formats that were asked for."""

    exit_code: int
    verdict: str
    sha256: str
    """Of the model file; empty if it could not be read."""
    weights: tuple[tuple[str, str], ...]
    """Location and SHA-256 of its external data."""
    headline: Line
    """Its verdict in one line."""
    profile: str = ""
    """What it was judged by."""
    lines: tuple[Line, ...] = ()
    """All that the text report says about it."""
    last: tuple[Line, ...] = ()
    """What stands below its verdict on the last screen."""
    concise: tuple[Line, ...] = ()
    """One line for each finding."""
    json: Mapping[str, Any] | None = None
    """The JSON report."""
    is_judged: bool = True
    """False if the model could not be read or judged; that is never kept."""

    def as_json(self) -> dict[str, Any]:
        """The values for `from_json`."""
        return {
            "exit_code": self.exit_code,
            "verdict": self.verdict,
            "sha256": self.sha256,
            "weights": self.weights,
            "headline": self.headline,
            "profile": self.profile,
            "lines": self.lines,
            "last": self.last,
            "concise": self.concise,
            "json": self.json,
        }


@dataclass(frozen=True, slots=True)
class Run:
    """All models of a run, in the order given."""

    outcomes: tuple[Outcome, ...]
    is_quiet: bool = False
    """Whether to show only what does not pass."""

    def headlines(self, shown: Sequence[Outcome]) -> list[Line]:
        """The verdicts of some models, told apart by profile where the run has several."""
        told = told_apart([(outcome.headline, outcome.profile) for outcome in self.outcomes])
        return [line for line, outcome in zip(told, self.outcomes, strict=True) if outcome in shown]

    @property
    def exit_code(self) -> int:
        """The worst of all models."""
        return worst([outcome.exit_code for outcome in self.outcomes])


def from_json(found: Mapping[str, Any]) -> Outcome | None:
    """The outcome that `as_json` described; None where it is not of that form."""
    try:
        code, verdict, sha256 = found["exit_code"], found["verdict"], found["sha256"]
        if type(code) is not int or not isinstance(verdict, str) or not isinstance(sha256, str):
            return None
        return Outcome(
            exit_code=code,
            verdict=verdict,
            sha256=sha256,
            weights=tuple((str(location), str(digest)) for location, digest in found["weights"]),
            headline=_line(found["headline"]),
            profile=str(found["profile"]),
            lines=tuple(map(_line, found["lines"])),
            last=tuple(map(_line, found["last"])),
            concise=tuple(map(_line, found["concise"])),
            json=found["json"],
        )
    except (AttributeError, KeyError, TypeError, ValueError):
        return None


def _line(parts: Sequence[Any]) -> Line:
    line = Line(*parts)
    if not all(isinstance(part, str) for part in line):
        raise TypeError("a line is text")
    return line


def of(report: Report, formats: Collection[str]) -> Outcome:
    """What is shown about a report; what no format needs is not worked out. `text` stands for `concise`, too."""
    from safecheck.render.audit.concise import findings
    from safecheck.render.audit.text import about, headline, last

    found = None
    if "json" in formats:
        from safecheck.render.audit.json import content

        found = content(report)
    return Outcome(
        exit_code=report.exit_code,
        verdict=str(report.verdict),
        sha256=report.model.sha256 if report.model is not None else "",
        weights=tuple((file.path, file.sha256) for file in report.model.external_data) if report.model else (),
        headline=headline(report),
        profile=report.profile.name,
        lines=tuple(about(report)) if "text" in formats else (),
        last=last(report) if "text" in formats else (),
        concise=tuple(findings(report)) if "text" in formats else (),
        is_judged=report.error is None,
        json=found,
    )
