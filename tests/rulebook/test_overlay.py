"""Overlays: rules of one's own on top of a shipped profile, which tighten and never lift a refusal."""

from __future__ import annotations

from pathlib import Path

import pytest

from safecheck.errors import RuleFileError, SafecheckError
from safecheck.finding import Verdict
from safecheck.ir.signature import Signature, Tensor
from safecheck.rulebook.cases import model_from_text
from safecheck.rulebook.judge import judge
from safecheck.rulebook.lint import problems
from safecheck.rulebook.load import profile
from safecheck.rulebook.overlay import TEMPLATE
from safecheck.usecases.audit import audit_model

BASE = "tensorrt-8.6-restricted"
HEAD = f"""
id: acme
title: ACME
version: "1"
extends: {BASE}
sources:
  supplement: {{title: Supplement, kind: licensed-document, read: the table}}
"""
MAX_POOL = """
  - id: acme-max-pool
    title: Maximum pooling
    verdict: allowed
    layers: [IPoolingLayer]
    when: [{fact: kind, equals: kMAX}, {fact: window, at_most: 3}]
    grade: documented
    sources: [{ref: supplement, at: pooling row}]
"""
MEAN = """
  - id: acme-mean
    title: Mean reductions
    verdict: allowed
    layers: [IReduceLayer]
    grade: documented
    sources: [{ref: supplement}]
"""
SIGMOID = """
  - id: acme-no-sigmoid
    title: Sigmoid is not wanted here
    verdict: forbidden
    layers: [IActivationLayer]
    when: {fact: kind, equals: kSIGMOID}
    grade: measured
    sources: [{ref: supplement}]
"""

MAP = Tensor("FLOAT", (4, 8, 8, 8))


def pool(window: int) -> Signature:
    small = Tensor("FLOAT", (4, 8, 8 - window + 1, 8 - window + 1))
    return Signature("MaxPool", "", 17, (("kernel_shape", (window, window)),), (MAP,), (small,))


def node(op_type: str) -> Signature:
    return Signature(op_type, "", 17, (), (MAP,), (MAP,))


def write(folder: Path, text: str, name: str = "overlay.yaml") -> str:
    file = folder / name
    file.write_text(text, encoding="utf-8")
    return str(file)


def test_an_overlay_decides_what_nobody_had_decided(tmp_path: Path) -> None:
    overlay = profile(write(tmp_path, f"{HEAD}rules:{MAX_POOL}"))
    assert judge(profile(BASE), pool(3)).verdict is Verdict.UNPROVEN
    assert judge(overlay, pool(3)).verdict is Verdict.ALLOWED
    assert judge(overlay, pool(4)).verdict is Verdict.UNPROVEN


def test_an_overlay_cannot_lift_a_refusal(tmp_path: Path) -> None:
    overlay = profile(write(tmp_path, f"{HEAD}rules:{MEAN}"))
    assert judge(overlay, node("ReduceMean")).verdict is Verdict.FORBIDDEN


def test_an_overlay_can_forbid_more(tmp_path: Path) -> None:
    overlay = profile(write(tmp_path, f"{HEAD}rules:{SIGMOID}"))
    assert judge(profile(BASE), node("Sigmoid")).verdict is Verdict.ALLOWED
    assert judge(overlay, node("Sigmoid")).verdict is Verdict.FORBIDDEN


@pytest.mark.parametrize(
    ("evidence", "verdict"),
    [
        ("{allow: [documented, measured, inferred], extrapolated: true}", Verdict.ALLOWED),
        ("{allow: [documented, measured], extrapolated: true}", Verdict.UNPROVEN),
        ("{allow: [], extrapolated: true}", Verdict.UNPROVEN),
    ],
)
def test_an_overlay_chooses_which_grades_count(evidence: str, verdict: Verdict, tmp_path: Path) -> None:
    overlay = profile(write(tmp_path, f"{HEAD}evidence: {evidence}\n"))
    assert judge(overlay, node("Sigmoid")).verdict is verdict


def test_an_overlay_without_extrapolation(tmp_path: Path) -> None:
    overlay = profile(write(tmp_path, HEAD + "evidence: {allow: [inferred], extrapolated: false}\n"))
    assert judge(overlay, node("Sigmoid")).verdict is Verdict.ALLOWED
    assert judge(profile(BASE), node("Relu")).verdict is Verdict.ALLOWED
    assert judge(overlay, node("Relu")).verdict is Verdict.UNPROVEN


def test_overlays_stack_and_files_are_found_beside_each_other(tmp_path: Path) -> None:
    write(tmp_path, f"{HEAD}rules:{MAX_POOL}", "company.yaml")
    top = HEAD.replace("id: acme", "id: team").replace(BASE, "company.yaml").replace("supplement", "own")
    overlay = profile(write(tmp_path, top))
    assert overlay.extends == ("acme", BASE)
    assert judge(overlay, pool(2)).verdict is Verdict.ALLOWED


def test_the_hash_depends_on_the_content_and_not_on_the_place(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    one, other = write(tmp_path, HEAD), write(tmp_path / "a", HEAD, "elsewhere.yaml")
    assert profile(one).sha256 == profile(other).sha256
    assert profile(one).sha256 != profile(write(tmp_path, f"{HEAD}rules:{MAX_POOL}", "b.yaml")).sha256


@pytest.mark.parametrize(
    ("text", "part"),
    [
        (HEAD.replace(BASE, "tensorrt-8.6-restrited"), "did you mean 'tensorrt-8.6-restricted'"),
        (HEAD.replace(BASE, "overlay.yaml"), "in a circle"),
        (HEAD.replace("id: acme", f"id: {BASE}"), "taken by a shipped profile"),
        (HEAD + "evidence: {allow: [secondary], extrapolated: true}\n", "may tighten"),
        (HEAD.replace("supplement:", "csa-source:"), "has a source of that name"),
        (HEAD.replace("licensed-document", "licensed-documnt"), "did you mean 'licensed-document'"),
        (f"{HEAD}rules:{MAX_POOL.replace('acme-max-pool', 'reduce-mean')}", "two rules are called 'reduce-mean'"),
        (f"{HEAD}rules:{MAX_POOL.replace('ref: supplement', 'ref: suplement')}", "did you mean 'supplement'"),
        (f"{HEAD}rules:{MAX_POOL.replace('    grade: documented', '')}", "needs a grade"),
        (f"{HEAD}target: {{}}\n", "unknown key 'target'"),
    ],
)
def test_broken_overlays_are_refused_with_the_place(text: str, part: str, tmp_path: Path) -> None:
    with pytest.raises(SafecheckError, match=part.replace("(", r"\(")) as caught:
        profile(write(tmp_path, text))
    assert "overlay.yaml" in str(caught.value)


def test_lint_finds_all_problems_at_once(tmp_path: Path) -> None:
    broken = MAX_POOL.replace("fact: kind", "fact: kinnd") + SIGMOID.replace("verdict: forbidden", "verdict: forbiden")
    found = [str(problem) for problem in problems(write(tmp_path, f"{HEAD}rules:{broken}"))]
    assert len(found) == 2
    assert "did you mean 'kind'" in found[0]
    assert "did you mean 'forbidden'" in found[1]


def test_the_template_loads(tmp_path: Path) -> None:
    text = TEMPLATE.replace("@BASE@", BASE)
    overlay = profile(write(tmp_path, text))
    assert overlay.extends == (BASE,)
    assert list(problems(write(tmp_path, text))) == []


def test_a_release_of_a_profile() -> None:
    assert "activation-relaxed" in {rule.id for rule in profile(f"{BASE}@8.6.12").rules}
    assert "activation-relaxed" not in {rule.id for rule in profile(f"{BASE}@8.6.11").rules}
    assert profile(f"{BASE}@8.6.13").target["drive_os"] == "6.0.10"
    with pytest.raises(SafecheckError, match=r"has no release '8\.6\.9'"):
        profile(f"{BASE}@8.6.9")


def test_errors_are_rule_file_errors(tmp_path: Path) -> None:
    with pytest.raises(RuleFileError):
        profile(write(tmp_path, HEAD + "nonsense: 1\n"))


def test_an_overlay_that_knows_of_reshapes_makes_the_softmax_of_6_x_count(tmp_path: Path) -> None:
    file = tmp_path / "ours.yaml"
    rule = (
        "{id: our-reshape, title: Reshape, verdict: allowed, layers: [IShuffleLayer], grade: documented, "
        "sources: [{ref: doc}]}"
    )
    file.write_text(
        'id: ours\ntitle: Ours\nversion: "1"\nextends: tensorrt-6-safe\n'
        f"sources: {{doc: {{title: Ours, kind: licensed-document, read: all}}}}\nrules: [{rule}]\n"
    )
    model = tmp_path / "model.onnx"
    model.write_bytes(model_from_text("(float16[4,10] x) => (y) { y = Softmax(x) }", 13).SerializeToString())
    audit = audit_model(str(model), profile(str(file))).audit
    assert audit is not None
    assert {allowance.rule for allowance in audit.allowances} == {"our-reshape", "safe6-softmax"}
    assert audit_model(str(model), profile("tensorrt-6-safe")).exit_code == 3


WHEN_MEAN = "[{fact: kind, equals: kAVG}, {fact: op_type, equals: ReduceMean}, {fact: ranks, equals: 4}]"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"layers: [IPoolingLayer]": "layers: [IPolingLayer]"}, "did you mean 'IPoolingLayer'"),
        ({"layers: [IPoolingLayer]": "operators: [MaxPol]"}, "did you mean 'MaxPool'"),
        ({"layers: [IPoolingLayer]": f"layers: [IReduceLayer]\n    when: {WHEN_MEAN}"}, "'reduce-mean'"),
        ({"layers: [IPoolingLayer]": "layers: [ILRNLayer]"}, "cannot lift a refusal"),
        ({"layers: [IPoolingLayer]": "layers: [IPoolingLayer]\n    when: [{fact: window, at_most: kMAX}]"}, "numbers"),
    ],
)
def test_a_rule_that_could_never_count_is_refused(changes: dict[str, str], said: str, tmp_path: Path) -> None:
    rule = """
  - id: our-rule
    title: Ours
    verdict: allowed
    layers: [IPoolingLayer]
    grade: documented
    sources: [{ref: supplement}]
"""
    for old, new in changes.items():
        rule = rule.replace(old, new)
    file = tmp_path / "ours.yaml"
    file.write_text(f"{HEAD}rules:{rule}")
    (problem,) = problems(str(file))
    assert str(file) in str(problem)
    assert "rules[0]" in str(problem)
    assert said in str(problem)
