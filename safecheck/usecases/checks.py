"""What a run of audits is asked besides the rules. Values only: verdicts of earlier runs are shown without an audit."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class ScopeCheck:
    """How the vendor's scope check is asked."""

    required: bool = False
    """Whether a target that the check is not about is a mistake; otherwise it is left alone."""
    layers: bool = False
    """Whether the layers that the vendor's parser made are kept."""


@dataclass(frozen=True, slots=True)
class Reviewed:
    """What the team's configuration says about the overlays that a release may be judged by."""

    file: str = ""
    """The configuration; empty if there is none."""
    overlays: tuple[tuple[str, str], ...] = ()
    """Path of an overlay, and the SHA-256 that its profile must have."""


@dataclass(frozen=True, slots=True)
class Checks:
    """What is held against the models of a run."""

    deviations: tuple[str, ...] = ()
    """Files with records of approved deviations."""
    baseline: str | None = None
    as_of: str | None = None
    """The day that the expiry of deviations is judged by, as it was given."""
    evidence: tuple[str, ...] = ()
    """Evidence of builds, each bound to one of the models."""
    scope_check: ScopeCheck | None = None
    """None to ask the vendor nothing."""
    plan: bool = False
    """Whether to work out what `fix` would make of each model."""
    release: bool = False
    """Whether to refuse what a release must not rest on."""
    reviewed: Reviewed = Reviewed()
    """What a release may rest on besides shipped profiles."""

    @property
    def decisions(self) -> tuple[str, ...]:
        """Files in which the team has decided something."""
        return (*self.deviations, *((self.baseline,) if self.baseline is not None else ()))

    @property
    def lasts(self) -> bool:
        """Whether verdicts are kept: neither a repository nor the vendor is asked, and nothing is planned."""
        return not self.release and not self.evidence and not self.plan and self.scope_check is None

    def day(self) -> date | None:
        """The day that expiry is judged by; None where nothing has one.

        Raises:
            UsageError: the day that was given is none, also where nothing is asked for it.
        """
        if not self.deviations and self.as_of is None:
            return None
        from safecheck.usecases.review import chosen_day  # reads rules, which a kept verdict does without

        return chosen_day(self.as_of)
