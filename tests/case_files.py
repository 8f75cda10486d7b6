"""The rule cases in `tests/cases`, which are also shipped for `safecheck selftest`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from safecheck import casebook
from safecheck.casebook import Case, model_from_text

FOLDER = Path(__file__).parent / "cases"

__all__ = ["FOLDER", "Case", "_read", "cases", "model_from_text"]


def cases() -> list[Case]:
    """The cases of the default profile."""
    return casebook.cases("here")


def _read(file: Path) -> Iterator[Case]:
    return casebook._read(file, file.name, "")
