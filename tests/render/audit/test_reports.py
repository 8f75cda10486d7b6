"""The reports that the other tests render are what they claim to be."""

from __future__ import annotations

import pytest
from render.audit.reports import REPORTS, every, hostile_model

VERDICTS = {
    "compliant": ("compliant", 0),
    "forbidden": ("non-compliant", 1),
    "unproven": ("inconclusive", 3),
    "nested": ("inconclusive", 3),
    "unreadable": ("inconclusive", 3),
    "deviated": ("compliant-with-deviations", 0),
    "mixed": ("non-compliant", 3),
    "confirmed": ("compliant", 0),
    "refused": ("non-compliant", 1),
    "unasked": ("inconclusive", 3),
    "built": ("compliant", 0),
    "failed_build": ("non-compliant", 1),
}


@pytest.mark.parametrize("name", REPORTS)
def test_each_report_has_its_verdict(name: str) -> None:
    report = REPORTS[name]()
    assert (str(report.verdict), report.exit_code) == VERDICTS[name]


def test_every_report_has_a_name_of_its_own() -> None:
    paths = [report.path for report in every()]
    assert len(set(paths)) == len(paths) == len(VERDICTS)


@pytest.mark.parametrize("text", ["</script>", "a\x00b", "\u202e", "||"])
def test_a_hostile_model_is_audited_with_its_names(text: str) -> None:
    audit = hostile_model(text).audit
    assert audit is not None
    assert {node.location.node for node in audit.nodes} == {text}
    assert any(finding.location.scope == f"function:{text}:{text}" for finding in audit.findings)
