"""A refusal by a number names the number that would do."""

from __future__ import annotations

import pytest

from safecheck.finding import EXPORTER_FORM, Evidence
from safecheck.ir.signature import Value
from safecheck.rulebook.condition import Test as Asked
from safecheck.usecases.python import audit_model


@pytest.mark.parametrize(
    ("operator", "limit", "words"),
    [
        ("at_least", 18, "at most 17"),
        ("at_least", 0.5, "less than 0.5"),
        ("at_most", 1, "at least 2"),
        ("between", (1, 4), "outside [1, 4]"),
        ("equals", 2, "not 2"),
        ("equals", True, "equals false"),
        ("one_of", (3, 5), "none of [3, 5]"),
        ("equals", "kAVG", ""),
        ("one_of", ("kAVG", "kMAX"), ""),
        ("less_than_fact", "stride", ""),
    ],
)
def test_what_would_not_meet_a_test(operator: str, limit: Value, words: str) -> None:
    assert Asked("opset", None, operator, limit).unwanted == words


def test_a_mean_of_opset_18_is_told_the_last_opset_that_is_read(mean_of_18: bytes) -> None:
    report = audit_model(mean_of_18, profile="tensorrt-8.6-restricted")
    misread = next(finding for finding in report.findings if finding.rule == "mistranslation-reduce-axes-input")
    # The importers up to 9.3 read the attribute, which opset 17 is the last to have.
    assert misread.evidence[0] == Evidence("opset", "18", "at most 17")
    assert "17" not in misread.advice  # the mean itself would be refused then


def test_no_number_is_held_against_a_list(mean_of_18: bytes) -> None:
    report = audit_model(mean_of_18, profile="tensorrt-8.6-restricted")
    for finding in report.findings:
        for part in finding.evidence:
            assert part.fact == EXPORTER_FORM or not (part.actual.isdigit() and part.limit == "not on the allowlist")


@pytest.fixture
def mean_of_18() -> bytes:
    from case_files import model_from_text

    text = (
        "(float[4,8,6,6] x) => (y) { axes = Constant<value = int64[2] {2, 3}>() y = ReduceMean<keepdims = 1>(x, axes) }"
    )
    return bytes(model_from_text(text, 18).SerializeToString())
