"""What changed between two audits: findings that are new, fixed or unchanged, by their fingerprints."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from safecheck.errors import InputError
from safecheck.finding import Finding, Location, Verdict
from safecheck.strict.content import UnreadableError, content
from safecheck.strict.json import parsed
from safecheck.text import printable

MAX_BYTES = 256 << 20
_TODO = "write it with `safecheck audit MODEL --output json=FILE`"


@dataclass(frozen=True, slots=True)
class Place:
    """One finding, as far as a comparison needs it."""

    rule: str
    verdict: Verdict
    fingerprint: str
    location: Location


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two audits."""

    path: str
    """Of the model, or of the report, as given."""
    sha256: str
    """Of the model."""
    profile: str
    """Id, version and SHA-256 of the profile, as `id version sha256`."""
    verdict: str
    findings: tuple[Place, ...]


@dataclass(frozen=True, slots=True)
class Changes:
    """The difference of two audits. It is no verdict: a model without new findings can be as bad as before."""

    old: Side
    new: Side
    appeared: tuple[Place, ...]
    """New findings; one that was unproven and is forbidden now is new as well."""
    fixed: tuple[Place, ...]
    unchanged: tuple[Place, ...]

    @property
    def exit_code(self) -> int:
        """1 if something forbidden is new, 3 if only something unproven is, 0 otherwise."""
        verdicts = {place.verdict for place in self.appeared}
        return 1 if Verdict.FORBIDDEN in verdicts else 3 if verdicts else 0


def compare(old: Side, new: Side) -> Changes:
    """Hold two audits against each other."""
    before = {(place.fingerprint, place.verdict) for place in old.findings}
    after = {(place.fingerprint, place.verdict) for place in new.findings}
    return Changes(
        old=old,
        new=new,
        appeared=tuple(place for place in new.findings if (place.fingerprint, place.verdict) not in before),
        fixed=tuple(place for place in old.findings if (place.fingerprint, place.verdict) not in after),
        unchanged=tuple(place for place in new.findings if (place.fingerprint, place.verdict) in before),
    )


def places(findings: Iterable[Finding]) -> tuple[Place, ...]:
    """Findings of an audit made just now."""
    return tuple(Place(found.rule, found.verdict, found.fingerprint, found.location) for found in findings)


def side_from_report(path: str) -> Side:
    """Read a JSON report.

    Raises:
        InputError: it is no report on one model, or one that judged nothing.
    """
    report = _content(path)
    where = printable(path)
    if report.get("schema") == "safecheck/reports/1":
        raise InputError("SC-DIFF-REPORT", where, "this report is about several models", "write one report per model")
    if report.get("schema") != "safecheck/report/1":
        raise InputError("SC-DIFF-REPORT", where, "this is no report of safecheck", _TODO)
    try:
        if report["error"] is not None:
            what = f"nothing was judged: {printable(str(report['error']['what']))}"
            raise InputError("SC-DIFF-REPORT", where, what, "audit the model again")
        model, profile = report["model"], report["profile"]
        return Side(
            path=path,
            sha256=str(model["sha256"]),
            profile=f"{profile['id']} {profile['version']} {profile['sha256']}",
            verdict=str(report["verdict"]),
            findings=tuple(_place(found) for found in report["findings"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        what = f"this report is incomplete or damaged ({type(error).__name__}: {printable(str(error), 60)})"
        raise InputError("SC-DIFF-REPORT", where, what, _TODO) from error


def _place(found: dict[str, Any]) -> Place:
    at = found["location"]
    if at["index"] is not None and type(at["index"]) is not int:
        raise ValueError("index")
    texts = [found["rule"], found["fingerprint"], *(at[name] for name in ("scope", "node", "op_type", "domain"))]
    if not all(isinstance(text, str) for text in (*texts, *at["outputs"])):
        raise ValueError("a text is missing")
    location = Location(at["scope"], at["index"], at["node"], at["op_type"], at["domain"], tuple(at["outputs"]))
    return Place(found["rule"], Verdict(found["verdict"]), found["fingerprint"], location)


def _content(path: str) -> dict[str, Any]:
    where = printable(path)
    try:
        found = parsed(content(path, MAX_BYTES, f"{MAX_BYTES >> 20} MiB"))
    except UnreadableError as error:
        raise InputError("SC-DIFF-REPORT", where, str(error), _TODO) from error
    if not isinstance(found, dict):
        raise InputError("SC-DIFF-REPORT", where, "this is no report of safecheck", _TODO)
    return found
