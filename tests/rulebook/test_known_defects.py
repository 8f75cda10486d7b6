"""Known defects warn: a note beside the verdict, which only an overlay with `strict-defects` makes part of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from case_files import model_from_text

from safecheck.audit.report import Report
from safecheck.render.audit.json import content
from safecheck.rulebook.load import profile
from safecheck.usecases.audit import audit_model

SUMS = "y = CumSum<reverse=$r>(x, a) z = CumSum(x, $b)"


def audited(
    tmp_path: Path, body: str, name: str = "tensorrt-10-safety", type_: str = "float", opset: int = 17
) -> Report:
    constants = "<int64 a = {0}, int64 b = {1}, float lo = {0}, float hi = {6}, float[4] c = {1, 2, 3, 4}>"
    text = f"({type_}[4,4] x, {type_}[4,4] w) => ({'y, z' if ' z = ' in body else 'y'}) {constants} {{ {body} }}"
    file = tmp_path / "model.onnx"
    file.write_bytes(model_from_text(text).SerializeToString())
    return audit_model(str(file), profile(name))


def noted(report: Report) -> set[str]:
    assert report.audit is not None, report.error
    return {note.rule.id.removeprefix("known-defect-") for note in report.audit.notes}


@pytest.mark.parametrize(
    ("body", "type_", "expected"),
    [
        ("y = CumSum(x, a) z = CumSum(x, b)", "float", {"cumulative-sums"}),
        ("y = CumSum<reverse=1>(x, a) z = CumSum(x, a)", "float", {"cumulative-sums"}),
        ("y = CumSum(x, a) z = CumSum(w, a)", "float", set()),
        ("y = ReduceLogSumExp<axes=[1]>(x)", "float", {"log-sum-exp"}),
        ("y = LogSoftmax(x)", "float", {"log-softmax"}),
        ("y = Mod(x, w)", "int32", {"integer-remainder"}),
        ("y = Mod<fmod=1>(x, w)", "float", set()),
        ("y = Clip(x, lo, hi)", "float", {"clip-nan"}),
        ("p = MatMul(x, w) s = Add(p, c) y = Clip(s, lo, hi)", "float", {"clip-nan", "clip-after-product"}),
        ("p = MatMul(x, w) s = Add(p, c) y = Clip(s, lo)", "float", {"clip-nan"}),
        ("p = MatMul(x, w) y = Clip(p, lo, hi)", "float", {"clip-nan"}),
        ("y = Min(x, w)", "float", {"min-nan"}),
        ("y = Min(x, w)", "int32", set()),
    ],
)
def test_a_known_defect_is_noted_and_changes_nothing(body: str, type_: str, expected: set[str], tmp_path: Path) -> None:
    report = audited(tmp_path, body, type_=type_)
    assert noted(report) == expected
    assert report.exit_code == 0
    assert {note["rule"] for note in content(report)["notes"]} == {f"known-defect-{name}" for name in expected}


@pytest.mark.parametrize(
    ("name", "expected"),
    [("tensorrt-8.6-restricted", {"log-softmax"}), ("tensorrt-6-safe", set()), ("tensorrt-10-safety", {"log-softmax"})],
)
def test_a_defect_belongs_to_its_releases(name: str, expected: set[str], tmp_path: Path) -> None:
    assert noted(audited(tmp_path, "y = LogSoftmax(x)", name)) == expected
    assert noted(audited(tmp_path, "y = Min(x, w)", name)) == ({"min-nan"} if name == "tensorrt-10-safety" else set())


def test_an_overlay_can_be_strict_about_defects(tmp_path: Path) -> None:
    overlay = tmp_path / "ours.yaml"
    text = 'id: ours\ntitle: Ours\nversion: "1"\nextends: tensorrt-10-safety\n'
    overlay.write_text(text)
    assert audited(tmp_path, "y = LogSoftmax(x)", str(overlay)).exit_code == 0
    overlay.write_text(text + "strict-defects: true\n")
    report = audited(tmp_path, "y = LogSoftmax(x)", str(overlay))
    assert report.audit is not None
    assert [finding.rule for finding in report.audit.findings] == ["known-defect-log-softmax"]
    assert (report.exit_code, noted(report)) == (3, set())
    on_top = tmp_path / "stricter.yaml"
    on_top.write_text('id: stricter\ntitle: Ours\nversion: "1"\nextends: ours.yaml\nstrict-defects: false\n')
    assert audited(tmp_path, "y = LogSoftmax(x)", str(on_top)).exit_code == 3
