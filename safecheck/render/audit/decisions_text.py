"""The part of the text report about decisions: deviations, the baseline, and what a release forbids."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from safecheck.audit.decisions import Decisions, Release
from safecheck.finding import Finding
from safecheck.render.line import Line
from safecheck.text import printable


def refused(found: Release | None) -> str:
    """What the verdict in the last lines must not be read without."""
    return "  RELEASE REFUSED" if found is not None and found.violations else ""


def release(found: Release | None) -> Iterator[Line]:
    """What stands against a release; nothing if none was asked for."""
    if found is None:
        return
    yield Line("")
    for violation in found.violations:
        yield Line(f"RELEASE REFUSED  {printable(violation, 400)}", "bad")
    if not found.violations:
        yield Line("RELEASE  nothing but the verdict stands against it", "good")
    for commit in found.commits:
        yield Line(f"  commit  {printable(commit, 200)}", "quiet")
    for note in found.notes:
        yield Line(f"  note    {printable(note, 400)}", "open")


def badge(fingerprint: str, decisions: Decisions) -> Iterator[Line]:
    """What was decided about one finding, for below it."""
    deviation = decisions.deviated.get(fingerprint)
    if deviation is not None:
        yield Line(f"      deviated by {printable(deviation.id, 80)}, expires {deviation.expires_on}", "good")
    if fingerprint in decisions.debt:
        yield Line("      debt: the baseline knows it", "open")


def summary(decisions: Decisions, findings: Sequence[Finding]) -> Iterator[Line]:
    """All records that concern the model, and the debt."""
    if decisions.as_of is not None:
        yield Line("")
        yield Line(f"Deviations as of {decisions.as_of}", "strong")
        records = {record.id: record for record in decisions.deviated.values()}
        counts = Counter(record.id for record in decisions.deviated.values())
        for name, record in sorted(records.items()):
            by = f"approved by {printable(record.approved_by, 80)} on {record.approved_on}, expires {record.expires_on}"
            covers = f"covers {counts[name]} of at most {record.max_count}"
            yield Line(f"  valid    {printable(name, 80)}  {printable(record.rule)}: {covers}")
            yield Line(f"           {by}, {printable(record.ticket, 80)}", "quiet")
        for invalid in decisions.invalid:
            name, rule, reason = (printable(part, 400) for part in (invalid.id, invalid.rule, invalid.reason))
            yield Line(f"  INVALID  {name}  {rule}: {reason}", "bad")
            yield Line(f"           {printable(invalid.place, 200)}", "quiet")
        if not records and not decisions.invalid:
            yield Line("  none concerns this model")
    if decisions.baseline is not None:
        yield Line("")
        yield Line(f"Baseline {decisions.baseline[:16]}…", "strong")
        new = sum(not decisions.settles(finding.fingerprint) for finding in findings)
        yield Line(f"  {_findings(new)} new", "bad" if new else "good")
        yield Line(f"  {_findings(len(decisions.debt))} debt: it stays, but does not fail the run")
        if decisions.paid:
            yield Line(f"  {decisions.paid} are paid: run `safecheck baseline prune`", "good")


def _findings(count: int) -> str:
    return "1 finding is" if count == 1 else f"{count} findings are"
