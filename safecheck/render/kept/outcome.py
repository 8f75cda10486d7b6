"""What a run shows about one model in the formats that are kept: text and JSON, as plain values."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from safecheck.errors import worst
from safecheck.render.line import Line

if TYPE_CHECKING:  # what is kept is shown without knowing what a report is
    from safecheck.audit.report import Report


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
    lines: tuple[Line, ...] = ()
    """All that the text report says about it."""
    json: Mapping[str, Any] | None = None
    """The JSON report."""

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
            "lines": self.lines,
            "json": self.json,
        }


@dataclass(frozen=True, slots=True)
class Run:
    """All models of a run, in the order given."""

    outcomes: Collection[Outcome]
    """They may be read from a file, one at a time, whenever they are gone through."""
    is_quiet: bool = False
    """Whether to show only what does not pass."""

    @property
    def exit_code(self) -> int:
        """The worst of all models."""
        return worst({outcome.exit_code for outcome in self.outcomes})


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
            lines=tuple(map(_line, found["lines"])),
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
    """What is shown about a report; what no format needs is not worked out."""
    from safecheck.render.audit.text import about, headline

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
        lines=tuple(about(report)) if "text" in formats else (),
        json=found,
    )
