"""Hold deviation records against the findings of models: which count, and why the others count for nothing.

A deviation marks findings, it never removes them.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass, field

from safecheck.audit.decisions import Deviation, InvalidDeviation
from safecheck.decisions.deviation_file import PROSE, Record
from safecheck.finding import Finding
from safecheck.strict.lookalike import alike, letters
from safecheck.text import printable

LONGEST = 731
"""Days that an approval can last: two years. What is still needed then is worth another look."""
_LETTERS = 2
"""A name of a person has at least so many."""
MANDATORY = "the rule is mandatory: readers understand the model differently, which nobody can approve"


@dataclass(frozen=True, slots=True)
class Subject:
    """One audited model, as far as deviations are concerned."""

    sha256: str
    """Of the model file; empty if it could not be read."""
    findings: tuple[Finding, ...]
    mandatory: frozenset[str]
    """Rules that may not be deviated."""


@dataclass(slots=True)
class Matched:
    """What the records amount to for one model."""

    deviated: dict[str, Deviation] = field(default_factory=dict)
    """Fingerprint of a finding -> the valid record that covers it; the first where several do."""
    invalid: list[InvalidDeviation] = field(default_factory=list)


def match(records: Sequence[Record], subjects: Sequence[Subject], as_of: datetime.date) -> list[Matched]:
    """What the records amount to for each model of a run.

    A record shows up where it belongs: at the models it is bound to. One that belongs to no model of the run shows up,
    as invalid, at all of them.
    """
    found = [Matched() for _ in subjects]
    for record in records:
        concerned = [number for number, subject in enumerate(subjects) if _concerns(record, subject)]
        for number in concerned or range(len(subjects)):
            _judge(record, subjects[number], bool(concerned), as_of, found[number])
    return found


def defect(record: Record, as_of: datetime.date, mandatory: frozenset[str]) -> str:
    """Why a record counts for nothing whatever the model; empty if it is in order.

    `mandatory` are the rules that may not be deviated.
    """
    if record.rule in mandatory:
        return MANDATORY
    if record.status != "approved":
        return f"its status is {record.status}"
    for name in PROSE:
        if not record.prose[name]:
            return f"{name} is empty"
    if record.approved_on is None:
        return "approved_on is empty"
    if record.expires_on is None:
        return "expires_on is empty"
    for name in ("requested_by", "approved_by"):
        if letters(record.prose[name]) < _LETTERS:
            return f"{name} is no name of a person"
    if alike(record.prose["requested_by"], record.prose["approved_by"]):
        return "approved by the person who requested it"
    if record.expires_on < record.approved_on:
        return f"expires on {record.expires_on}, before it was approved"
    if (record.expires_on - record.approved_on).days > LONGEST:
        return f"expires on {record.expires_on}, more than {LONGEST} days after it was approved"
    if record.approved_on > as_of:
        return f"not approved before {record.approved_on}"
    if record.expires_on < as_of:
        return f"expired on {record.expires_on}"
    return ""


def _concerns(record: Record, subject: Subject) -> bool:
    if record.model_sha256:
        return record.model_sha256 == subject.sha256
    return not {finding.fingerprint for finding in subject.findings}.isdisjoint(record.fingerprints)


def _judge(record: Record, subject: Subject, concerned: bool, as_of: datetime.date, found: Matched) -> None:
    covered = [
        finding
        for finding in subject.findings
        if finding.rule == record.rule and (not record.fingerprints or finding.fingerprint in record.fingerprints)
    ]
    reason = defect(record, as_of, subject.mandatory) or _mismatch(record, subject, concerned, covered)
    if reason:
        elsewhere = bool(record.model_sha256) and record.model_sha256 != subject.sha256
        found.invalid.append(InvalidDeviation(record.id, printable(record.rule), reason, record.place, elsewhere))
        return
    deviation = _deviation(record)
    for finding in covered:
        found.deviated.setdefault(finding.fingerprint, deviation)


def _mismatch(record: Record, subject: Subject, concerned: bool, covered: list[Finding]) -> str:
    """Why a record that is in order does not cover findings of this model; empty if it does."""
    if not concerned and record.model_sha256:
        return f"bound to another model, SHA-256 {record.model_sha256[:16]}…"
    present = {finding.fingerprint for finding in covered}
    absent = [name for name in record.fingerprints if name not in present]
    if not covered or (absent and record.model_sha256):
        rules = {finding.fingerprint: finding.rule for finding in subject.findings}
        other = next((f"{name} is a finding of {rules[name]}" for name in absent if name in rules), "")
        return other or (f"no finding {absent[0]} in this model" if absent else "no such finding in this model")
    if len(covered) > record.max_count:
        return f"covers {len(covered)} findings, more than max_count {record.max_count}"
    return ""


def _deviation(record: Record) -> Deviation:
    assert record.approved_on is not None
    assert record.expires_on is not None
    return Deviation(
        id=record.id,
        rule=record.rule,
        model_sha256=record.model_sha256,
        fingerprints=record.fingerprints,
        approved_on=record.approved_on,
        expires_on=record.expires_on,
        max_count=record.max_count,
        **record.prose,
    )
