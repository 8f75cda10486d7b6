"""The rules in force, for people."""

from __future__ import annotations

from collections.abc import Sequence

from safecheck.rulebook.index import Entry, grade_of


def document(entries: Sequence[Entry]) -> str:
    """One line for each."""
    return "".join(
        f"{entry.rule.verdict:<9}  {entry.rule.id}  ({grade_of(entry.rule)})  {entry.rule.title}\n" for entry in entries
    )
