"""SARIF: what it says of each kind of report, and the limits of those who read it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import jsonschema
import pytest
from render.audit.reports import (
    compliant,
    deviated,
    every,
    forbidden,
    mixed,
    nested,
    refused,
    unasked,
    unproven,
    unreadable,
)
from render.audit.strict import github_accepts, plain, read_sarif

from safecheck.audit.evidence import Confirmation
from safecheck.audit.report import Report
from safecheck.render.audit import sarif
from safecheck.render.audit.sarif_rules import message


def run(*reports: Report) -> Any:
    text = sarif.document(reports)
    read_sarif(text)
    return json.loads(text)["runs"][0]


def told(*reports: Report) -> list[tuple[str, str, str]]:
    return [(result["ruleId"], result["kind"], result["level"]) for result in run(*reports)["results"]]


def test_a_forbidden_node_fails_and_an_unproven_one_is_open() -> None:
    assert told(forbidden()) == [
        ("reduce-mean", "fail", "error"),
        ("reduce-mean", "fail", "error"),
        ("unary-operation", "open", "none"),
    ]


def test_an_undecided_model_has_a_result_that_viewers_show() -> None:
    assert told(unproven())[-1] == ("model-undecided", "fail", "warning")
    assert told(unasked()) == [("model-undecided", "fail", "warning")]
    assert told(compliant()) == []
    assert told(deviated())[-1][0] != "model-undecided"


def test_an_unreadable_model_fails_the_run() -> None:
    found = run(compliant(), unreadable())
    invocation = found["invocations"][0]
    assert invocation["executionSuccessful"] is False
    assert invocation["exitCode"] == 3
    assert [part["descriptor"]["id"] for part in invocation["toolExecutionNotifications"]] == ["SC-PB-WIRE"]
    assert [result["level"] for result in found["results"]] == ["error"]
    assert run(compliant())["invocations"][0]["executionSuccessful"] is True
    assert run()["invocations"][0]["executionSuccessful"] is False


def test_a_deviation_suppresses_and_an_invalid_one_is_told() -> None:
    found = run(mixed())
    first, *others = found["results"]
    (suppression,) = first["suppressions"]
    assert (suppression["kind"], suppression["status"]) == ("external", "accepted")
    assert suppression["justification"].startswith("DEV-7: rationale: The head is built")
    assert [result["suppressions"] for result in others] == [[], []]
    (notification,) = found["invocations"][0]["toolConfigurationNotifications"]
    assert plain(notification["message"]["text"]) == (
        "deviation DEV-3 for rule reduce-mean counts for nothing: it expired on 2026-01-31 (deviations.yaml:12)"
    )


def test_a_baseline_gives_every_result_a_state() -> None:
    assert [result["baselineState"] for result in run(mixed())["results"]] == ["new", "unchanged", "new"]
    assert all("baselineState" not in result for result in run(forbidden())["results"])


def test_an_undecided_model_that_the_baseline_knows_is_nothing_new() -> None:
    report = unproven()
    assert report.audit is not None
    known = frozenset(finding.fingerprint for finding in report.audit.findings)
    for debt, state in ((known, "unchanged"), (frozenset(list(known)[:1]), "new")):
        decisions = replace(report.decisions, baseline="ab" * 32, debt=debt)
        assert run(replace(report, decisions=decisions))["results"][-1]["baselineState"] == state


def test_a_refusal_of_the_vendor_is_a_result() -> None:
    found = run(refused())["results"][-2:]
    assert [result["ruleId"] for result in found] == ["vendor-scope-check"] * 2
    assert [result["level"] for result in found] == ["error"] * 2
    assert [result["locations"][0]["logicalLocations"][0]["kind"] for result in found] == ["onnx.node", "onnx.graph"]
    silent = Confirmation("tensorrt-rtx", "1.4", "", True, False)
    assert told(replace(compliant(), confirmation=silent)) == [("vendor-scope-check", "fail", "error")]


def test_a_node_is_named_by_its_scope_and_number() -> None:
    names = [
        location["fullyQualifiedName"]
        for result in run(nested())["results"]
        for location in result["locations"][0]["logicalLocations"]
    ]
    assert names[:3] == [
        "graph/node[0]:If",
        "graph/0:then_branch/node[0]:Erf",
        "graph/0:else_branch/node[0]:org.example::Twice",
    ]
    assert "function:org.example:Twice/node[0]:Add" in names


def test_a_rule_explains_itself() -> None:
    rule = run(forbidden())["tool"]["driver"]["rules"][0]
    assert rule["id"] == "reduce-mean"
    assert rule["helpUri"].startswith("https://github.com/NVIDIA/")
    assert rule["properties"] == {"grade": "documented", "tags": ["onnx", "tensorrt", "forbidden", "documented"]}
    assert "Way out: Use AveragePool" in rule["help"]["text"]


def test_an_artifact_has_its_hash_and_verdict() -> None:
    report = forbidden()
    assert report.model is not None
    (artifact,) = run(report)["artifacts"]
    assert artifact["hashes"] == {"sha-256": report.model.sha256}
    assert artifact["properties"]["verdict"] == "non-compliant"
    assert artifact["properties"]["coverage"]["forbidden"] == 2


@pytest.mark.parametrize(
    ("paths", "uris"),
    [
        (["-"], ["standard-input"]),
        (["./a/../m.onnx"], ["m.onnx"]),
        (["/home/somebody/m.onnx"], ["m.onnx"]),
        (["../m.onnx"], ["m.onnx"]),
        (["/x/a/m.onnx", "/x/b/m.onnx"], ["a/m.onnx", "b/m.onnx"]),
        (["/x/a/m.onnx", "/y/a/m.onnx", "m.onnx"], ["x/a/m.onnx", "y/a/m.onnx", "m.onnx"]),
        (["m.onnx", "./m.onnx"], ["m.onnx", "m.onnx%20%282%29"]),
        (["a b/é#?%.onnx"], ["a%20b/%C3%A9%23%3F%25.onnx"]),
        (["c:m.onnx"], ["c%3Am.onnx"]),
        (["\udcff.onnx"], ["%FF.onnx"]),
        (["https://x/m.onnx"], ["https%3A/x/m.onnx"]),
    ],
)
def test_a_model_has_a_relative_address_of_its_own(paths: list[str], uris: list[str]) -> None:
    reports = [replace(forbidden(), path=path) for path in paths]
    assert [part["location"]["uri"] for part in run(*reports)["artifacts"]] == uris


def _many(number: int, report: Report) -> Report:
    assert report.audit is not None
    first = report.audit.findings[-1]
    findings = tuple(replace(first, fingerprint=f"{index:032}") for index in range(number))
    return replace(report, audit=replace(report.audit, findings=findings))


def test_more_results_than_fit_are_counted_and_the_forbidden_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    assert sarif.RESULTS == 25_000
    monkeypatch.setattr(sarif, "RESULTS", 10)
    reports = (_many(20, unproven()), forbidden())
    found = run(*reports)
    assert len(found["results"]) == 10
    assert [result["level"] for result in found["results"]][:2] == ["error", "error"]
    last = found["results"][-1]
    assert (last["ruleId"], last["kind"], last["level"]) == ("more-results", "fail", "warning")
    # 20 unproven and the undecided model, 2 forbidden and an unproven: 24, of which 9 are shown.
    assert last["message"]["text"].startswith("15 more are not shown here (15 unproven)")
    assert found["invocations"][0]["exitCode"] == 1
    monkeypatch.setattr(sarif, "RESULTS", 2)
    last = run(*reports)["results"][-1]
    assert last["level"] == "error"
    assert last["message"]["text"].startswith("23 more are not shown here (1 forbidden and 22 unproven)")


def test_exactly_as_many_results_as_fit_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sarif, "RESULTS", 3)
    assert [result["ruleId"] for result in run(forbidden())["results"]][-1] == "unary-operation"


def test_a_message_is_what_a_viewer_shows() -> None:
    for text in ("{0}", "{{0}}", "[a](b)", "a\\\\](b)", "}{", "[]()", "[x] (y)"):
        assert plain(message(text)) == text


@pytest.mark.parametrize(
    "spoil",
    [
        lambda result: result.pop("locations"),
        lambda result: result["locations"][0].pop("physicalLocation"),
        lambda result: result["locations"][0]["physicalLocation"]["artifactLocation"].update(uri="/m.onnx"),
        lambda result: result["locations"][0]["physicalLocation"]["artifactLocation"].update(uri=""),
        lambda result: result.update(level="warning", kind="open"),
        lambda result: result.update(ruleIndex=9),
    ],
)
def test_the_acceptance_check_can_fail(spoil: Any) -> None:
    log = json.loads(sarif.document(every()))
    github_accepts(log)
    spoil(log["runs"][0]["results"][0])
    with pytest.raises((AssertionError, KeyError, IndexError)):
        github_accepts(log)


def test_the_schema_check_can_fail() -> None:
    log = json.loads(sarif.document([forbidden()]))
    log["runs"][0]["results"][0]["kind"] = "undecided"
    with pytest.raises(jsonschema.ValidationError):
        read_sarif(json.dumps(log))
