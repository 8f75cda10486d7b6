"""The rule cases in `tests/cases`, which are also shipped for `safecheck selftest`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from safecheck import casebook
from safecheck.casebook import Case, model_from_text
from safecheck.pipeline import audit_model
from safecheck.report import Report
from safecheck.rulebook.profile import Profile

FOLDER = Path(__file__).parent / "cases"

__all__ = ["FOLDER", "Case", "_read", "cases", "check", "model_from_text"]


def cases() -> list[Case]:
    """The cases of the default profile."""
    return casebook.cases("here")


def _read(file: Path) -> Iterator[Case]:
    return casebook._read(file, file.name, "")


def check(case: Case, book: Profile, folder: Path) -> Report:
    """Assert that an audit of the case gives exactly the verdicts and rules it names; the report, for more."""
    file = folder / "model.onnx"
    file.write_bytes(case.proto().SerializeToString())
    report = audit_model(str(file), book)
    assert report.error is None
    assert report.audit is not None
    assert tuple(str(node.verdict) for node in report.audit.nodes) == case.verdicts
    main = [node.location for node in report.audit.nodes if node.location.scope == ""]
    findings = report.audit.findings
    assert {finding.rule for finding in findings if finding.location == main[case.node]} == case.findings
    assert {allowance.rule for allowance in report.audit.allowances} == case.allowed_by
    if case.model is not None:
        assert {finding.rule for finding in findings if finding.location.index is None} == case.model
    return report
