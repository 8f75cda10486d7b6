"""What a run shows about one model in the formats that are kept: text and JSON, as plain values."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from safecheck.errors import worst
from safecheck.render.line import Line, told_apart
from safecheck.values import dataclass

if TYPE_CHECKING:  # what is kept is shown without knowing what a report is
    from safecheck.audit.report import Report


_FOR_PEOPLE = frozenset({"text", "concise"})
_WITH_JSON = frozenset({"json", "jsonl"})


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
    problem: str = ""
    """Code of the error for which the model was not judged; empty if it was. No cache keeps errors."""

    @property
    def is_judged(self) -> bool:
        """Whether there is a verdict from rules."""
        return not self.problem

    @property
    def is_missing(self) -> bool:
        """Whether there is no such file: a mistyped path, of which there is nothing to show."""
        return self.problem == "SC-IO-MISSING"

    def hashes(self, path: str) -> dict[str, str]:
        """Path -> SHA-256 of every local file that the verdict is about: the model at `path`, and its weights."""
        if path == "-" or "://" in path or not self.sha256:
            return {}
        folder = os.path.dirname(path)
        return {path: self.sha256} | {os.path.join(folder, location): sha256 for location, sha256 in self.weights}

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
            "problem": self.problem,
        }


@dataclass(frozen=True)
class Run:
    """All models of a run, in the order given."""

    outcomes: Collection[Outcome]
    """They may be read from a file, one at a time, whenever they are gone through."""
    is_quiet: bool = False
    """Whether to show only what does not pass."""

    @cached_property
    def has_several_profiles(self) -> bool:
        """Whether verdicts have to be told apart by profile."""
        return len({outcome.profile for outcome in self.outcomes}) > 1

    def told(self, outcome: Outcome) -> Line:
        """The verdict on a model in one line, by which profile where the run has several."""
        return told_apart(outcome.headline, outcome.profile) if self.has_several_profiles else outcome.headline

    @property
    def exit_code(self) -> int:
        """The worst of all models."""
        return worst({outcome.exit_code for outcome in self.outcomes})


def from_json(found: Mapping[str, Any]) -> Outcome | None:
    """The outcome that `as_json` described; None where it is not of that form."""
    try:
        code, verdict, sha256 = found["exit_code"], found["verdict"], found["sha256"]
        if type(code) is not int or not isinstance(sha256, str) or not verdict.isprintable():
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
            problem=str(found["problem"]),
        )
    except (AttributeError, KeyError, TypeError, ValueError):
        return None


def _line(parts: Sequence[Any]) -> Line:
    text, style = parts
    if type(text) is not str or type(style) is not str or not text.isprintable():
        raise TypeError("a line is text in which nothing is active")
    return Line(text, style)


def of(report: Report, formats: Collection[str]) -> Outcome:
    """What is shown about a report; what no format needs is not worked out. `text` stands for `concise`, too."""
    from safecheck.render.audit.concise import findings
    from safecheck.render.audit.text import both_ends, headline

    for_people = not _FOR_PEOPLE.isdisjoint(formats)
    lines, last = both_ends(report) if for_people else ((), ())
    found = None
    if not _WITH_JSON.isdisjoint(formats):
        from safecheck.render.audit.json import content

        found = content(report)
    return Outcome(
        exit_code=report.exit_code,
        verdict=str(report.verdict),
        sha256=report.model.sha256 if report.model is not None else "",
        weights=tuple((file.path, file.sha256) for file in report.model.external_data) if report.model else (),
        headline=headline(report),
        profile=report.profile.name,
        lines=lines,
        last=last,
        concise=tuple(findings(report)) if for_people else (),
        problem="" if report.error is None else report.error.code,
        json=found,
    )
