"""The verdicts of the profile against the recorded answers of NVIDIA's own check, which is not needed for that.

Every model gets the verdict that its answer asks for: compliant if it is in scope, non-compliant if it is refused, and
never compliant if the check was not even reached.
"""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from agreement import scope_profile
from record_answers import fits, recorded, recorded_cases, rule_cases
from scope_check import Scope, scope_check
from scope_models import cases

from safecheck.finding import ModelVerdict
from safecheck.usecases.audit import audit_model


def test_there_is_an_answer_about_every_model() -> None:
    assert sorted(recorded()) == sorted(map(str, cases())), "run `python tests/oracle/record_answers.py`"


def test_no_rule_case_contradicts_its_recorded_answer() -> None:
    """What the check refuses is never allowed, and what it has in scope is forbidden for a mistranslation only."""
    assert sorted(recorded_cases()) == sorted(rule_cases()), "run `python tests/oracle/record_answers.py`"
    contradicted = []
    for name, answer in recorded_cases().items():
        case = rule_cases()[name]
        known = any(rule.startswith("mistranslation-") for rule in case.findings)
        allowed, forbidden = set(case.verdicts) == {"allowed"} and not case.model, "forbidden" in case.verdicts
        if (answer is not Scope.INSIDE and allowed) or (answer is Scope.INSIDE and forbidden and not known):
            contradicted.append(f"{case}: {answer.value}")
    assert contradicted == []


def test_the_answers_are_those_of_the_check() -> None:
    try:
        ask = scope_check()
    except ImportError as reason:
        pytest.skip(f"the check is not installed (extra `oracle`): {reason}")
    sample = random.Random(10).sample(cases(), 60)
    assert {str(case): ask(case.model).scope for case in sample} == {
        str(case): recorded()[str(case)] for case in sample
    }


@pytest.mark.parametrize("step", [16, pytest.param(1, marks=pytest.mark.slow)])
def test_no_verdict_contradicts_a_recorded_answer(step: int, tmp_path: Path) -> None:
    file = tmp_path / "model.onnx"
    differing = []
    for case in cases()[::step]:
        file.write_bytes(case.model)
        report = audit_model(str(file), scope_profile())
        if report.error is not None and report.error.code.startswith("SC-ONNX-"):
            continue  # the check says yes or no to layers that no ONNX model has
        answer = recorded()[str(case)]
        ours = ModelVerdict.INCONCLUSIVE if report.audit is None else report.audit.verdict
        if not fits(answer, ours):
            differing.append(f"{case}: {answer.value}, ours: {ours}")
    assert differing == []
