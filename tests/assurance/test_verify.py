"""A report is repeated, and what differs is named: model, weights, rules, tool, records, a single finding."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from assurance.conftest import DAY, RECORD
from hypothesis import given, settings
from hypothesis import strategies as st

from safecheck.assurance.differences import differences, walk

Run = Callable[..., tuple[int, str, str]]
OVERLAY = """\
id: ours
title: Ours
version: "1"
extends: tensorrt-8.6-restricted
rules:
  - id: no-sigmoid
    title: We do not use Sigmoid
    verdict: forbidden
    layers: [IActivationLayer]
    grade: documented
    why: House rule.
    sources: [{ref: house, at: rule 1}]
sources:
  house: {title: House rules, kind: licensed-document, read: all of it}
"""


def audited(safecheck: Run, *arguments: str) -> None:
    assert safecheck("audit", *arguments, "--output", "json=r.json")[0] in (0, 1)


def answer(safecheck: Run, *arguments: str) -> tuple[int, set[str]]:
    """Exit code, and the subjects of what differs."""
    code, out, _ = safecheck("verify", *arguments, "--output", "json")
    return code, {part["subject"] for part in json.loads(out)["differences"]}


def flipped(path: Path, at: int = -20) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize("model", ["good.onnx", "odd.onnx"])
def test_the_same_again_is_identical(folder: Path, safecheck: Run, model: str) -> None:
    audited(safecheck, model)
    code, out, err = safecheck("verify", "r.json", model)
    assert (code, err) == (0, "")
    assert out.startswith("IDENTICAL  r.json")
    assert hashlib.sha256((folder / "r.json").read_bytes()).hexdigest() in out


def test_the_model_may_have_moved(folder: Path, safecheck: Run) -> None:
    audited(safecheck, "odd.onnx")
    (folder / "other").mkdir()
    (folder / "odd.onnx").rename(folder / "other" / "name.onnx")
    assert answer(safecheck, "r.json", "other/name.onnx") == (0, set())


def test_another_model_is_named_first(folder: Path, safecheck: Run) -> None:
    audited(safecheck, "good.onnx")
    code, out, _ = safecheck("verify", "r.json", "odd.onnx")
    assert code == 1
    assert out.splitlines()[1].split()[:2] == ["model", "SHA-256"]


def test_a_model_that_cannot_be_read_now_is_another(folder: Path, safecheck: Run) -> None:
    audited(safecheck, "odd.onnx")
    (folder / "odd.onnx").write_bytes(b"nothing")
    assert answer(safecheck, "r.json", "odd.onnx") == (1, {"model"})


def test_a_byte_of_the_weights(folder: Path, safecheck: Run) -> None:
    audited(safecheck, "good.onnx")
    flipped(folder / "good.bin")
    assert answer(safecheck, "r.json", "good.onnx") == (1, {"weights"})


def test_another_rulebook(folder: Path, safecheck: Run) -> None:
    (folder / "ours.yaml").write_text(OVERLAY, encoding="utf-8")
    audited(safecheck, "odd.onnx", "--profile", "ours.yaml")
    code, _, err = safecheck("verify", "r.json", "odd.onnx")
    assert code == 2
    assert "--profile" in err
    assert answer(safecheck, "r.json", "odd.onnx", "--profile", "ours.yaml") == (0, set())
    (folder / "ours.yaml").write_text(OVERLAY.replace("House rule.", "House rules."), encoding="utf-8")
    assert answer(safecheck, "r.json", "odd.onnx", "--profile", "ours.yaml") == (1, {"profile", "finding"})


def test_a_release_of_a_profile_is_found_again(folder: Path, safecheck: Run) -> None:
    audited(safecheck, "odd.onnx", "--profile", "tensorrt-8.6-restricted@8.6.13")
    assert answer(safecheck, "r.json", "odd.onnx") == (0, set())


def test_a_byte_of_the_records(folder: Path, safecheck: Run) -> None:
    sha256 = hashlib.sha256((folder / "odd.onnx").read_bytes()).hexdigest()
    records = folder / "deviations.yaml"
    records.write_text(RECORD.format(rule="reduce-mean", sha256=sha256) + "# end\n", encoding="utf-8")
    audited(safecheck, "odd.onnx", "--deviations", "deviations.yaml", "--as-of", DAY)
    code, _, err = safecheck("verify", "r.json", "odd.onnx")
    assert code == 2
    assert "--deviations" in err
    assert answer(safecheck, "r.json", "odd.onnx", "--deviations", "deviations.yaml") == (0, set())
    flipped(records, -3)  # in a comment, which changes no record
    assert answer(safecheck, "r.json", "odd.onnx", "--deviations", "deviations.yaml") == (1, {"deviations"})


@pytest.mark.parametrize(
    ("keys", "value", "subject"),
    [
        (("tool", "version"), "0.0.1", "tool"),
        (("tool", "libraries", "onnx"), "1.0", "library"),
        (("profile", "sha256"), "0" * 64, "profile"),
        (("model", "size_bytes"), 7, "model"),
        (("verdict",), "compliant", "verdict"),
        (("findings", 0, "message"), "nothing", "finding"),
        (("findings", 0, "evidence", 0, "actual"), 3, "finding"),
        (("coverage", "total"), 2.0, "report"),
        (("allowances", 0, "nodes"), True, "report"),
        (("assumptions", 0, "text"), "", "report"),
    ],
)
def test_whatever_was_changed_in_the_report_is_named(
    folder: Path, safecheck: Run, keys: tuple[Any, ...], value: object, subject: str
) -> None:
    audited(safecheck, "odd.onnx")
    found = json.loads((folder / "r.json").read_text(encoding="utf-8"))
    part = found
    for key in keys[:-1]:
        part = part[key]
    assert part[keys[-1]] != value or type(part[keys[-1]]) is not type(value)
    part[keys[-1]] = value
    (folder / "r.json").write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    assert answer(safecheck, "r.json", "odd.onnx") == (1, {subject})


def test_a_finding_that_was_left_out_is_named(folder: Path, safecheck: Run) -> None:
    audited(safecheck, "odd.onnx")
    found = json.loads((folder / "r.json").read_text(encoding="utf-8"))
    found["findings"].pop()
    (folder / "r.json").write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    code, out, _ = safecheck("verify", "r.json", "odd.onnx")
    assert code == 1
    assert "found, but not recorded" in out


def test_the_same_in_another_text_is_not_identical(folder: Path, safecheck: Run) -> None:
    audited(safecheck, "odd.onnx")
    path = folder / "r.json"
    path.write_text(path.read_text(encoding="utf-8").replace('"exit_code": 1', '"exit_code":  1'), encoding="utf-8")
    assert answer(safecheck, "r.json", "odd.onnx") == (1, {"report"})


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b'{"schema": "safecheck/report/1"}', b'{"schema": 1, "schema": 1}', b"\xff", b"[" * 100_000],
)
def test_what_is_no_report_is_one_line(folder: Path, safecheck: Run, content: bytes) -> None:
    (folder / "r.json").write_bytes(content)
    code, out, err = safecheck("verify", "r.json", "odd.onnx")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "SC-VER-REPORT" in err


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(0, 2) | st.sampled_from([0.0, 1.0]) | st.text(max_size=2),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=300)
@given(VALUES, VALUES)
def test_two_values_differ_somewhere_exactly_if_their_texts_do(one: Any, other: Any) -> None:
    text = [json.dumps(value, sort_keys=True) for value in (one, other)]
    assert bool(list(walk(one, other))) == (text[0] != text[1])


def test_a_report_that_lacks_or_adds_something_differs() -> None:
    """Also where a key is null on one side and missing on the other."""
    assert list(walk({"a": None}, {}))
    plain = {
        "model": {}, "profile": {}, "tool": {"libraries": {}}, "verdict": "x", "findings": [], "deviations": None,
        "baseline": None,
    }  # fmt: skip
    assert not differences(plain, plain)
    assert differences({**plain, "more": 1}, plain)
    assert differences(plain, {**plain, "more": None})
