"""Requirement, rule, case and result, one line each: the traceability matrix of this installation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache

from safecheck.render.csv_text import table
from safecheck.rulebook.load import profile
from safecheck.rulebook.requirement import requirement_of
from safecheck.usecases.selftest import Outcome

HEADS = ("requirement", "rule", "profile", "case_file", "case", "result", "problem")


def document(outcomes: Sequence[Outcome]) -> str:
    """A rule stands once for each case that names it, as a finding or an allowance."""
    return table(HEADS, _rows(outcomes))


def _rows(outcomes: Sequence[Outcome]) -> Iterator[tuple[str, ...]]:
    for outcome in outcomes:
        case = outcome.case
        known, result = _requirements(case.profile), "failed" if outcome.problem else "passed"
        for rule in sorted(case.rules):
            yield known.get(rule, ""), rule, case.profile, case.file, case.name, result, outcome.problem


@cache
def _requirements(name: str) -> dict[str, str]:
    """Rule of a profile -> the requirement that it serves."""
    book = profile(name)
    found = {rule.id: requirement_of(rule) for rule in book.rules}
    return found | {rule.id: requirement_of(rule, warns=True) for rule in book.defects}
