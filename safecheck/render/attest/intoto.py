"""An in-toto statement: the digests of model and weights, and how the audit of them ended.

Statement v1 with the predicate `test-result` v0.1. Its `result` knows three words: PASSED is compliant, WARNED is
compliant with deviations, and whatever is no pass is FAILED, also what could not be decided.
"""

from __future__ import annotations

from typing import Any

from safecheck import __version__
from safecheck.audit.report import Report
from safecheck.finding import ModelVerdict, Verdict
from safecheck.render.audit.json import shown_path
from safecheck.render.json_text import dumped

TYPE = "https://in-toto.io/Statement/v1"
PREDICATE = "https://in-toto.io/attestation/test-result/v0.1"
_RESULT = {ModelVerdict.COMPLIANT: "PASSED", ModelVerdict.COMPLIANT_WITH_DEVIATIONS: "WARNED"}


def document(report: Report) -> str:
    """The statement, unsigned."""
    return dumped(content(report))


def content(report: Report) -> dict[str, Any]:
    """The statement as plain values.

    Tests are rules: one that allowed nodes has passed, one with findings has warned where every finding is deviated or
    merely unproven, and failed otherwise.
    """
    assert report.model is not None
    model, book = report.model, report.profile
    failed = {finding.rule for finding in report.findings if _fails(report, finding.fingerprint, finding.verdict)}
    warned = {finding.rule for finding in report.findings} - failed
    passed = {allowance.rule for allowance in report.audit.allowances} if report.audit is not None else set()
    return {
        "_type": TYPE,
        "subject": [
            {"name": shown_path(report.path), "digest": {"sha256": model.sha256}},
            *({"name": file.path, "digest": {"sha256": file.sha256}} for file in model.external_data),
        ],
        "predicateType": PREDICATE,
        "predicate": {
            "result": "FAILED" if report.exit_code else _RESULT.get(report.verdict, "FAILED"),
            "configuration": [
                {"name": f"rulebook {book.name} {book.version}", "digest": {"sha256": book.sha256}},
                *({"name": "deviations", "digest": {"sha256": sha256}} for sha256 in report.decisions.files),
            ],
            "passedTests": sorted(passed - failed - warned),
            "warnedTests": sorted(warned),
            "failedTests": sorted(failed),
            "safecheck": {
                "version": __version__,
                "verdict": str(report.verdict),
                "target": book.target,
                "coverage": report.coverage,
            },
        },
    }


def _fails(report: Report, fingerprint: str, verdict: Verdict) -> bool:
    return verdict is Verdict.FORBIDDEN and fingerprint not in report.decisions.deviated
