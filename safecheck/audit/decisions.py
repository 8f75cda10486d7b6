"""What a team has decided about findings: approved deviations, and the debt that a baseline records. Values only."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Deviation:
    """One recorded, approved and expiring exception, modelled on the records of MISRA Compliance:2020.

    It marks findings, it never removes them.
    """

    id: str
    rule: str
    model_sha256: str
    """SHA-256 of the model file it is bound to; empty where it is bound to fingerprints alone."""
    fingerprints: tuple[str, ...]
    """Fingerprints of the findings it is bound to; empty where it covers every finding of the rule in the model."""
    rationale: str
    risk: str
    mitigation: str
    requested_by: str
    approved_by: str
    approved_on: datetime.date
    expires_on: datetime.date
    ticket: str
    max_count: int
    """The most findings it may cover; one more and it counts for none."""


@dataclass(frozen=True, slots=True)
class InvalidDeviation:
    """A record that counts for nothing, and why."""

    id: str
    rule: str
    reason: str
    place: str
    """File and line of the record."""
    elsewhere: bool = False
    """Whether it is bound to the bytes of another model."""


@dataclass(frozen=True, slots=True)
class Decisions:
    """The decisions that concern one model, already held against its findings."""

    deviated: Mapping[str, Deviation] = field(default_factory=dict)
    """Fingerprint of a finding -> the valid record that covers it."""
    invalid: tuple[InvalidDeviation, ...] = ()
    as_of: datetime.date | None = None
    """The day that expiry was judged by; None where no deviations were given."""
    files: tuple[str, ...] = ()
    """SHA-256 of every file whose records were held against the findings."""
    baseline: str | None = None
    """SHA-256 of the baseline; None where none was given."""
    debt: frozenset[str] = frozenset()
    """Fingerprints of findings that the baseline already knows. They stay findings, but do not fail a run."""
    paid: int = 0
    """Entries of the baseline for this model that are no finding any more."""

    def settles(self, fingerprint: str) -> bool:
        """Whether a finding is deviated or known as debt, so that it does not fail a run."""
        return fingerprint in self.deviated or fingerprint in self.debt


@dataclass(frozen=True, slots=True)
class Release:
    """What stands against releasing a model, whatever its verdict (`audit --release`)."""

    violations: tuple[str, ...]
    """One line each; any of them fails the run."""
    notes: tuple[str, ...]
    """What was not looked at, and why."""
    commits: tuple[str, ...]
    """The commits that model, rules and decisions belong to."""


NONE = Decisions()
"""Nobody has decided anything."""
