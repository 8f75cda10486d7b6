"""Every rule of every shipped profile is shown by a case, and all shipped cases hold, target by target."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from case_files import TARGETS, all_cases, cases, rules_named

from safecheck.audit.report import Report
from safecheck.errors import RuleFileError
from safecheck.rulebook import cases as rule_cases
from safecheck.rulebook.load import profile, shipped
from safecheck.usecases import selftest

PROFILES = [*shipped(), "drive-orin-dla-8.6@8.6.12", "tensorrt-8.6-restricted@8.6.12"]

_PLUGIN = (
    "the interface of a plugin is not in a file, and no standard plugin has this one; tested with a made-up plugin"
)
_NAME = "needs a name of a thousand letters; tested with generated models"
_CATCH_ALL = "speaks only of layers that no parser of today adds; tested with a made-up layer"
_NO_LAYER = "the parser adds no such layer, a network built without it can have one"
_OLD = "needs an operator of old exporters, whose results have no known type, so that no model makes it speak"
_RESHAPE = "the parser adds a reshape to every softmax, about which nothing is known, so that no node is allowed"

_BODY = "speaks of nodes in the body of a Loop, and a case of those in the main graph; tested with generated models"

# Rules that no case shows.
WITHOUT_CASE = {
    "plugin-dynamic-ext": _PLUGIN,
    "plugin-io-ext": _PLUGIN,
    "io-name-length": _NAME,
    "layer-not-listed": _CATCH_ALL,
    "scope10-assertion": _NO_LAYER,
    "scope10-padding": _NO_LAYER,
    "scope10-parser-unset-in-loop": _BODY,
    "safe6-fully-connected": _OLD,
    "safe6-softmax": _RESHAPE,
}


@pytest.mark.parametrize("name", PROFILES)
def test_every_rule_in_force_is_named_by_a_case(name: str) -> None:
    in_force = {rule.id for rule in profile(name).rules}
    assert sorted(in_force - rules_named(*TARGETS) - set(WITHOUT_CASE)) == [], "give each of these rules a case"


def test_cases_name_rules_of_their_own_profile() -> None:
    in_force = {name: {rule.id for rule in profile(name).rules} for name in {case.profile for case in all_cases()}}
    strangers = {str(case): sorted(case.rules - in_force[case.profile]) for case in all_cases()}
    assert {case: rules for case, rules in strangers.items() if rules} == {}


def test_the_table_of_rules_without_a_case_is_true() -> None:
    in_force = {rule.id for name in PROFILES for rule in profile(name).rules}
    assert sorted(set(WITHOUT_CASE) - in_force) == [], "these rules do not exist"
    assert sorted(set(WITHOUT_CASE) & rules_named(*TARGETS)) == [], "these rules have cases now"


def test_the_names_of_cases_are_unique() -> None:
    counted = Counter((case.file, case.target, case.name) for case in all_cases())
    assert [name for name, count in counted.items() if count > 1] == []


def test_each_model_is_written_once() -> None:
    """With a column per target, so that what differs between releases is seen at a glance."""
    places: dict[object, set[tuple[str, str]]] = {}
    for case in all_cases():
        places.setdefault((case.onnx, case.opset, str(case.weights), case.node), set()).add((case.file, case.name))
    assert [place for place in places.values() if len(place) > 1] == [], "give one of them the `targets` of both"


CASE = "- name: one\n  onnx: (float[4,8,6,6] x) => (y) { y = Relu(x) }\n"


@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        ("top.yaml", "  verdict: allowed\n", "top.yaml:1: [0]: nothing says which target the case is about"),
        ("top.yaml", "  targets: trt-86\n", "top.yaml:3: [0].targets: no target 'trt-86'"),
        ("top.yaml", "  targets:\n    trt-8.6: {is: 1}\n", "top.yaml:4: [0].targets.trt-8.6.is: unknown key 'is'"),
        ("trt-8.6/own.yaml", "", "cases/trt-8.6/own.yaml:1: [0]: case one needs either verdict or verdicts"),
    ],
)  # fmt: skip
def test_a_broken_case_is_named(
    path: str, text: str, expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "trt-8.6").mkdir()
    (tmp_path / "targets.yaml").write_text("trt-8.6: tensorrt-8.6-restricted\n", encoding="utf-8")
    (tmp_path / path).write_text(CASE + text, encoding="utf-8")
    monkeypatch.setattr(rule_cases.resources, "cases", lambda: tmp_path)
    with pytest.raises(RuleFileError) as caught:
        rule_cases.cases()
    assert expected in str(caught.value)


def test_a_case_is_named_with_its_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    columns = "  rows:\n    - {verdict: allowed}\n    - name: two\n      targets:\n        a: {verdict: unproven}\n"
    (tmp_path / "a").mkdir()
    (tmp_path / "targets.yaml").write_text("a: profile-a\n", encoding="utf-8")
    (tmp_path / "a" / "own.yaml").write_text(CASE + columns, encoding="utf-8")
    monkeypatch.setattr(rule_cases.resources, "cases", lambda: tmp_path)
    assert list(map(str, rule_cases.cases("a"))) == ["a/own.yaml:4: one (profile-a)", "a/own.yaml:7: two (profile-a)"]


@pytest.mark.parametrize("target", TARGETS)
def test_the_cases_of_a_target_hold(target: str, monkeypatch: pytest.MonkeyPatch) -> None:
    chosen, unfounded = cases(target), list[str]()
    assert chosen, "give this target a case, or take it out of tests/cases/targets.yaml"

    def audited(case: rule_cases.Case, *where: Any) -> Report:
        report = selftest_audited(case, *where)
        assert report.audit is not None
        unfounded.extend(
            f"{case}: {found.rule}" for found in report.audit.findings if not (found.evidence and found.sources)
        )
        return report

    selftest_audited = selftest.audited
    monkeypatch.setattr(selftest, "cases", lambda: chosen)
    monkeypatch.setattr(selftest, "audited", audited)
    outcomes = list(selftest.run())
    assert [outcome.case for outcome in outcomes] == chosen
    problems = [f"tests/cases/{outcome.case}: {outcome.problem}" for outcome in outcomes if outcome.problem]
    assert problems == [], "\n".join(problems)
    assert unfounded == []
