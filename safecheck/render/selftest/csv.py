"""Requirement, rule, case and result, one line each: the traceability matrix of this installation."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from functools import cache

from safecheck.rulebook.load import profile
from safecheck.rulebook.requirement import requirement_of
from safecheck.usecases.selftest import Outcome

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def document(outcomes: Sequence[Outcome]) -> str:
    """Comma-separated values; a rule stands once for each case that names it, as a finding or an allowance."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(("requirement", "rule", "profile", "case_file", "case", "result", "problem"))
    for outcome in outcomes:
        case = outcome.case
        result = "failed" if outcome.problem else "passed"
        known = _requirements(case.profile)
        for rule in sorted(case.rules):
            writer.writerow(
                map(_plain, (known.get(rule, ""), rule, case.profile, case.file, case.name, result, outcome.problem))
            )
    return stream.getvalue()


@cache
def _requirements(name: str) -> dict[str, str]:
    """Rule of a profile -> the requirement that it serves."""
    book = profile(name)
    found = {rule.id: requirement_of(rule) for rule in book.rules}
    return found | {rule.id: requirement_of(rule, warns=True) for rule in book.defects}


def _plain(text: str) -> str:
    """A text that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(_FORMULA) else text
