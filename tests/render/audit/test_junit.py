"""JUnit and GitLab: what each kind of report becomes there."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from xml.etree import ElementTree as ET

import pytest
import xmlschema
from render.audit.reports import REPORTS, compliant, every, forbidden, mixed, refused
from render.audit.strict import read_junit

from safecheck.audit.report import Report
from safecheck.render.audit import gitlab, junit


def cases(*reports: Report) -> dict[str, str]:
    """Name of a case -> `passed`, or the tag of its outcome."""
    text = junit.document(reports)
    read_junit(text)
    return {
        case.get("name", ""): case[0].tag if len(case) else "passed"
        for case in ET.fromstring(text.encode()).iter("testcase")
    }


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("compliant", {"model-verdict": "passed", "activation-sigmoid": "passed"}),
        ("forbidden", {"model-verdict": "failure", "reduce-mean": "failure", "unary-operation": "error"}),
        ("unproven", {"model-verdict": "error", "unary-operation": "error"}),
        ("unreadable", {"model-verdict": "error"}),
        ("deviated", {"model-verdict": "passed", "unary-operation": "skipped"}),
        ("mixed", {"model-verdict": "error", "reduce-mean": "skipped", "unary-operation": "error"}),
        ("confirmed", {"model-verdict": "passed", "vendor-scope-check": "passed"}),
        ("refused", {"model-verdict": "failure", "vendor-scope-check": "failure"}),
        ("unasked", {"model-verdict": "error"}),
    ],
)
def test_the_outcome_of_each_case(name: str, expected: dict[str, str]) -> None:
    found = cases(REPORTS[name]())
    assert expected.items() <= found.items()


@pytest.mark.parametrize("name", REPORTS)
def test_a_suite_passes_only_where_the_exit_code_is_zero(name: str) -> None:
    report = REPORTS[name]()
    outcomes = set(cases(report).values())
    assert (outcomes <= {"passed", "skipped"}) == (report.exit_code == 0)


def test_a_model_whose_findings_are_all_known_does_not_fail() -> None:
    report = mixed()
    assert report.audit is not None
    known = frozenset(finding.fingerprint for finding in report.audit.findings)
    report = replace(report, decisions=replace(report.decisions, debt=known))
    assert report.exit_code == 0
    assert cases(report)["model-verdict"] == "skipped"
    assert set(cases(report).values()) == {"skipped", "passed"}


def test_the_places_of_a_rule_are_counted() -> None:
    report = forbidden()
    assert report.audit is not None
    first = report.audit.findings[0]
    many = tuple(replace(first, fingerprint=f"{index:032}") for index in range(junit.PLACES + 4))
    text = junit.document([replace(report, audit=replace(report.audit, findings=many))])
    assert f"({junit.PLACES + 4} places)" in text
    assert "and 4 more" in text


def test_the_reason_of_a_deviation_is_told() -> None:
    root = ET.fromstring(junit.document([mixed()]).encode())
    skipped = next(root.iter("skipped"))
    assert "deviation DEV-7: The head is built and checked by the supplier." in skipped.get("message", "")
    assert "known to the baseline" in skipped.get("message", "")


def test_the_schema_can_fail() -> None:
    with pytest.raises(xmlschema.XMLSchemaValidationError):
        read_junit(junit.document([forbidden()]).replace("<testcase ", "<testcase host='x' ", 1))


def entries(reports: Sequence[Report]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(gitlab.document(reports))
    return found


def test_gitlab_has_the_fields_it_asks_for() -> None:
    found = entries(every())
    for entry in found:
        assert set(entry) == {"description", "check_name", "fingerprint", "severity", "location"}
        assert entry["severity"] in {"info", "minor", "major", "critical", "blocker"}
        assert entry["location"]["lines"] == {"begin": 1}
        assert not entry["location"]["path"].startswith(("/", "./"))
    assert len({entry["fingerprint"] for entry in found}) == len(found)


def test_gitlab_severities() -> None:
    assert [entry["severity"] for entry in entries([mixed()])] == ["info", "minor", "major"]
    assert [entry["severity"] for entry in entries([refused()])] == ["critical", "critical", "major"] + ["critical"] * 2
    assert entries([compliant()]) == []
