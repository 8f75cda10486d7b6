"""The rule cases in `tests/cases`, which are also shipped for `safecheck selftest`."""

from __future__ import annotations

from functools import cache

from safecheck.rulebook import cases as rule_cases
from safecheck.rulebook.cases import Case, model_from_text, targets

TARGETS = tuple(targets())

__all__ = ["TARGETS", "Case", "cases", "model_from_text", "rules_named"]


@cache
def all_cases() -> tuple[Case, ...]:
    """Every case, target after target; read once by each process."""
    return tuple(rule_cases.cases())


def cases(*names: str) -> list[Case]:
    """The cases of these targets."""
    return [case for case in all_cases() if case.target in names]


def rules_named(*names: str) -> frozenset[str]:
    """Every rule id that the cases of these targets name."""
    return frozenset[str]().union(*(case.rules for case in cases(*names)))
