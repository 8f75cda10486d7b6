"""Mandatory rules: readers of the file understand different networks, which nobody can approve."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from safecheck.rulebook.load import profile, shipped

Run = Callable[..., tuple[int, str, str]]
OVERLAY = """\
id: mine
title: Mine
version: "1"
extends: tensorrt-8.6-restricted
sources: {note: {title: A note, kind: measurement, read: all of it}}
rules:
  - id: my-rule
    title: No sigmoid here
    verdict: forbidden
    layers: [IActivationLayer]
    when: {fact: kind, equals: kSIGMOID}
    category: mandatory
    grade: measured
    sources: [{ref: note}]
"""


@pytest.mark.parametrize("name", shipped())
def test_every_rule_about_two_readings_is_mandatory_and_no_other(name: str) -> None:
    book = profile(name)
    two_readings = {
        rule.id
        for rule in book.rules
        if rule.id.startswith("mistranslation-") or rule.id.endswith("io-shape-contradiction")
    }
    assert book.mandatory == two_readings


def test_shipped_rules_are_released() -> None:
    assert [name for name in shipped() if not profile(name).released] == []


def test_a_rule_of_ones_own_can_be_mandatory(folder: Path, safecheck: Run) -> None:
    (folder / "mine.yaml").write_text(OVERLAY)
    assert "my-rule" in profile("mine.yaml").mandatory
    code, _, err = safecheck("deviations", "new", "allowed.onnx", "--rule", "my-rule", "--profile", "mine.yaml")
    assert code == 2
    assert err.startswith("error[SC-DEV-MANDATORY]: --rule: my-rule: the rule is mandatory")
    safecheck("baseline", "write", "allowed.onnx", "-o", "b.json", "--profile", "mine.yaml")
    assert safecheck("audit", "allowed.onnx", "--profile", "mine.yaml", "--baseline", "b.json")[0] == 1


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("category: mandatory", "category: advisory", "'advisory' is not known here"),
        ('version: "1"', 'version: "1"\nstatus: relased', "'relased' is not known here (did you mean 'released'?)"),
    ],
)
def test_misspelt(folder: Path, safecheck: Run, old: str, new: str, what: str) -> None:
    (folder / "mine.yaml").write_text(OVERLAY.replace(old, new))
    code, _, err = safecheck("audit", "allowed.onnx", "--profile", "mine.yaml")
    assert code == 2
    assert err.startswith("error[SC-CFG-RULE]: mine.yaml:")
    assert what in err


def test_it_is_explained(safecheck: Run) -> None:
    assert "category   mandatory: " in safecheck("rules", "show", "mistranslation-double")[1]
    assert "category" not in safecheck("rules", "show", "reduce-mean")[1]
