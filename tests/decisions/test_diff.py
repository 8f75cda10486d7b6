"""`safecheck diff`: new, fixed and unchanged findings of two models or reports."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from case_files import model_from_text

Run = Callable[..., tuple[int, str, str]]


def model(folder: Path, name: str, text: str) -> None:
    (folder / name).write_bytes(model_from_text(text).SerializeToString())


@pytest.fixture
def pair(folder: Path) -> Path:
    """`old.onnx`: a mean and an error function. `new.onnx`: the mean, a maximum, and another name for everything."""
    model(folder, "old.onnx", "(float[4,8,6,6] x) => (y, z) { y = ReduceMean(x) z = Erf(x) }")
    model(folder, "new.onnx", "(float[4,8,6,6] a) => (b, c) { c = ReduceMax(a) b = ReduceMean(a) }")
    return folder


def counts(text: str) -> tuple[int, int, int]:
    found = json.loads(text)["counts"]
    return found["new"], found["fixed"], found["unchanged"]


def test_new_fixed_and_unchanged(pair: Path, safecheck: Run) -> None:
    code, out, err = safecheck("diff", "old.onnx", "new.onnx")
    assert (code, err) == (1, "")
    lines = out.splitlines()
    assert lines[:2] == ["old  old.onnx: non-compliant, 2 findings", "new  new.onnx: non-compliant, 2 findings"]
    assert lines[lines.index("NEW  1 findings") + 1].startswith("  forbidden  reduce-other  [0] -> c ReduceMax  ")
    assert lines[lines.index("FIXED  1 findings") + 1].startswith("  unproven   unary-operation  [1] -> z Erf  ")
    assert "UNCHANGED  1 findings" in lines
    assert "no statement that either model is compliant" in lines[-1]


def test_models_and_reports_mix(pair: Path, safecheck: Run) -> None:
    for name in ("old", "new"):
        safecheck("audit", f"{name}.onnx", "--output", f"json={name}.json")
    expected = None
    for old in ("old.onnx", "old.json"):
        for new in ("new.onnx", "new.json"):
            code, out, _ = safecheck("diff", old, new, "--output", "json")
            found = json.loads(out)
            assert (code, counts(out)) == (1, (1, 1, 1))
            del found["old"]["path"], found["new"]["path"]
            expected = expected or found
            assert found == expected
    assert expected["schema"] == "safecheck/diff/1"
    assert [part["rule"] for part in expected["findings"]["new"]] == ["reduce-other"]


@pytest.mark.parametrize(
    ("old", "new", "code", "expected"),
    [
        ("forbidden", "forbidden", 0, (0, 0, 1)),
        ("forbidden", "allowed", 0, (0, 1, 0)),
        ("allowed", "unproven", 3, (1, 0, 0)),
        ("allowed", "forbidden", 1, (1, 0, 0)),
        ("unproven", "forbidden", 1, (1, 1, 0)),
    ],
)
def test_exit_codes(
    folder: Path, safecheck: Run, old: str, new: str, code: int, expected: tuple[int, int, int]
) -> None:
    status, out, _ = safecheck("diff", f"{old}.onnx", f"{new}.onnx", "--output", "json")
    assert (status, counts(out)) == (code, expected)
    assert json.loads(out)["exit_code"] == code
    assert "no statement" in json.loads(out)["note"]


def test_unproven_that_becomes_forbidden_is_new(folder: Path, safecheck: Run) -> None:
    safecheck("audit", "forbidden.onnx", "--output", "json=old.json")
    text = (folder / "old.json").read_text().replace('"verdict": "forbidden"', '"verdict": "unproven"')
    (folder / "old.json").write_text(text)
    assert safecheck("diff", "old.json", "forbidden.onnx")[0] == 1


def test_to_a_file(pair: Path, safecheck: Run) -> None:
    code, out, _ = safecheck("diff", "old.onnx", "new.onnx", "--output", "json=diff.json")
    assert (code, out) == (1, "")
    assert counts((pair / "diff.json").read_text()) == (1, 1, 1)
    code, _, err = safecheck("diff", "old.onnx", "new.onnx", "--output", "json=new.onnx")
    assert code == 2
    assert "this is an input" in err


def test_an_input_that_cannot_be_read(folder: Path, safecheck: Run) -> None:
    for arguments in (("allowed.onnx", "missing.onnx"), ("missing.json", "allowed.onnx")):
        code, out, err = safecheck("diff", *arguments)
        assert (code, out, err.count("\n")) == (3, "", 1)


def test_reports_that_say_nothing(folder: Path, safecheck: Run) -> None:
    shutil.copy(folder / "allowed.onnx", folder / "empty.onnx")
    (folder / "empty.onnx").write_bytes(b"")
    safecheck("audit", "empty.onnx", "--output", "json=error.json")
    safecheck("audit", "allowed.onnx", "forbidden.onnx", "--output", "json=several.json")
    safecheck("audit", "forbidden.onnx", "--output", "json=whole.json")
    whole = json.loads((folder / "whole.json").read_text())
    del whole["findings"][0]["fingerprint"]
    (folder / "partial.json").write_text(json.dumps(whole))
    (folder / "odd.json").write_text('{"schema": "safecheck/report/1", "error": null}')
    (folder / "broken.json").write_text("{\n")
    (folder / "deep.json").write_text("[" * 100_000)
    (folder / "list.json").write_text("[]")
    for name, what in (
        ("error", "nothing was judged: the file is empty"),
        ("several", "this report is about several models"),
        ("partial", "incomplete or damaged (KeyError: 'fingerprint')"),
        ("odd", "incomplete or damaged"),
        ("broken", "broken.json: not JSON (line 2"),
        ("deep", "nested too deeply"),
        ("list", "this is no report of safecheck"),
    ):
        code, out, err = safecheck("diff", f"{name}.json", "allowed.onnx")
        assert (code, out, err.count("\n")) == (3, "", 1), err
        assert err.startswith("error[SC-DIFF-REPORT]: ")
        assert what in err


def test_reports_of_another_profile(folder: Path, safecheck: Run) -> None:
    safecheck("audit", "forbidden.onnx", "--profile", "tensorrt-8.5-restricted", "--output", "json=old.json")
    code, _, err = safecheck("diff", "old.json", "forbidden.onnx")
    assert code == 2
    assert "use --profile tensorrt-8.5-restricted" in err
    assert safecheck("diff", "old.json", "forbidden.onnx", "--profile", "tensorrt-8.5-restricted")[0] == 0


def test_hostile_names_in_a_report(folder: Path, safecheck: Run) -> None:
    safecheck("audit", "forbidden.onnx", "--output", "json=old.json")
    report = json.loads((folder / "old.json").read_text())
    report["findings"][0]["location"]["node"] = "\x1b[2J\u202e"
    (folder / "old.json").write_text(json.dumps(report))
    _, out, _ = safecheck("diff", "old.json", "allowed.onnx")
    assert "\\x1b[2J\\u202e" in out
    assert "\x1b" not in out
