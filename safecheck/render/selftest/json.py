"""What the cases of every rule gave here, for programs."""

from __future__ import annotations

from collections.abc import Sequence

from safecheck.render.json_text import dumped
from safecheck.usecases.selftest import Outcome


def document(outcomes: Sequence[Outcome]) -> str:
    """The number of cases, and those that failed."""
    problems = [
        {"profile": part.case.profile, "file": part.case.file, "case": part.case.name, "problem": part.problem}
        for part in outcomes
        if part.problem
    ]
    return dumped({"cases": len(outcomes), "failed": len(problems), "problems": problems})
