"""The same model under 8.6, 10 and 11: another answer, each for its own reason."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest
import yaml
from case_files import model_from_text

from safecheck.rulebook.load import profile
from safecheck.rulebook.profile import Profile
from safecheck.usecases.audit import audit_model

RELEASES = ("tensorrt-8.6-restricted", "tensorrt-10-safety", "tensorrt-11-safety")
BUILD = {"scope11-compiler-decides"}

TABLE = {
    "Slice with INT64 parameters": (
        "(float[4,8,6,6] x) => (y) <int64[1] s = {0}, int64[1] e = {4}, int64[1] a = {1}> { y = Slice(x, s, e, a) }",
        17,
        ("unproven", {"no-statement"}),
        ("allowed", {"scope10-slice", "scope10-movement"}),
        ("unproven", BUILD),
    ),
    "Resize by sizes": (
        '(float[4,8,6,6] x) => (y) <int64[4] s = {4,8,12,12}> { y = Resize<mode="linear">(x, , , s) }',
        17,
        ("forbidden", {"resize-sizes"}),
        ("allowed", {"scope10-resize"}),
        ("unproven", BUILD),
    ),
    "InstanceNormalization": (
        "(float[4,8,6,6] x) => (y) <float[8] s = {1,1,1,1,1,1,1,1}, float[8] b = {0,0,0,0,0,0,0,0}> "
        "{ y = InstanceNormalization(x, s, b) }",
        17,
        ("forbidden", {"plugin-instance-normalization"}),
        ("allowed", {"scope10-normalization"}),
        ("unproven", BUILD),
    ),
    "Gelu": (
        "(float[4,8,6,6] x) => (y) { y = Gelu(x) }",
        20,
        ("unproven", {"operator-without-importer"}),
        ("allowed", {"scope10-activation"}),
        ("unproven", BUILD),
    ),
    "mean with its axes as an input": (
        "(float[4,8,6,6] x) => (y) <int64[2] a = {2,3}> { y = ReduceMean(x, a) }",
        18,
        ("forbidden", {"mistranslation-reduce-axes-input", "reduce-mean"}),
        ("allowed", {"scope10-reduce"}),
        ("unproven", BUILD),
    ),
    "average pool with stride 7": (
        "(float[4,8,7,7] x) => (y) { y = AveragePool<kernel_shape=[7,7], strides=[7,7]>(x) }",
        17,
        ("allowed", {"pool-average-extrapolated"}),
        ("forbidden", {"scope10-pool-stride"}),
        ("unproven", BUILD),
    ),
}


@cache
def book(name: str) -> Profile:
    return profile(name)


@pytest.mark.parametrize("release", range(3), ids=RELEASES)
@pytest.mark.parametrize("what", TABLE)
def test_each_release_answers_for_itself(what: str, release: int, tmp_path: Path) -> None:
    text, opset, *answers = TABLE[what]
    verdict, rules = answers[release]
    file = tmp_path / "model.onnx"
    file.write_bytes(model_from_text(text, opset).SerializeToString())
    report = audit_model(str(file), book(RELEASES[release]))
    assert report.audit is not None
    assert str(report.audit.nodes[0].verdict) == verdict
    named = {finding.rule for finding in report.audit.findings} | {part.rule for part in report.audit.allowances}
    assert rules <= named


@pytest.mark.parametrize(
    ("name", "words", "source"),
    [
        (RELEASES[0], "runs the scope check before a standard build", "header-8.6"),
        (RELEASES[1], "runs the static check up to 10.15; from 10.16 on the flag is ignored", "scope-10.x"),
        (RELEASES[2], "has no effect in these releases", "header-11.1"),
    ],
)
def test_every_release_says_what_the_scope_flag_means(name: str, words: str, source: str) -> None:
    (flag,) = [part for part in book(name).assumptions if part.id == "safety-scope-flag"]
    assert "kSAFETY_SCOPE" in flag.text
    assert words in flag.text
    assert source in {cited.ref for cited in flag.sources}


def test_the_assumption_about_later_releases_names_the_newest() -> None:
    file = Path(__file__).parents[2] / "rules" / "profiles" / f"{RELEASES[0]}.yaml"
    newest = list(yaml.safe_load(file.read_text(encoding="utf-8"))["releases"])[-1]
    (later,) = [part for part in book(RELEASES[0]).assumptions if part.id == "later-releases"]
    assert f"to {newest} are later" in later.text, (
        "read the release notes and the ranges of the rules, then say so here"
    )


def test_the_newest_release_is_never_a_pass(tmp_path: Path) -> None:
    file = tmp_path / "model.onnx"
    file.write_bytes(model_from_text("(float[4,8,6,6] x) => (y) { y = Relu(x) }").SerializeToString())
    assert audit_model(str(file), book("tensorrt-11-safety")).exit_code == 3
