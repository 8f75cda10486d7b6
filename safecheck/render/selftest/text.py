"""What the cases of every rule gave here, for people."""

from __future__ import annotations

from collections.abc import Sequence

from safecheck.usecases.selftest import Outcome


def document(outcomes: Sequence[Outcome]) -> str:
    """A line for each case that failed, then how many did not."""
    failed = [part for part in outcomes if part.problem]
    lines = [f"failed  {part.case}: {part.problem}\n" for part in failed]
    return "".join([*lines, f"{len(outcomes) - len(failed)} of {len(outcomes)} cases give the expected verdicts\n"])
