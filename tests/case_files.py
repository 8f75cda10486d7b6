"""The rule cases in `tests/cases`, which are also shipped for `safecheck selftest`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from safecheck.audit.report import Report
from safecheck.rulebook import cases as rule_cases
from safecheck.rulebook.cases import Case, model_from_text
from safecheck.rulebook.profile import Profile
from safecheck.usecases.selftest import audited, difference

FOLDER = Path(__file__).parent / "cases"

__all__ = ["FOLDER", "Case", "_read", "cases", "check", "model_from_text"]


def cases() -> list[Case]:
    """The cases of the default profile."""
    return rule_cases.cases("here")


def _read(file: Path) -> Iterator[Case]:
    return rule_cases._read(file, file.name, "")


def check(case: Case, book: Profile, folder: Path) -> Report:
    """Assert that an audit of the case gives exactly the verdicts and rules it names; the report, for more."""
    report = audited(case, book, str(folder / "model.onnx"))
    assert report.error is None
    assert difference(case, report) == ""
    return report
