"""What a parser never imports is counted and not judged: dead branches, and functions that nobody calls."""

from __future__ import annotations

from pathlib import Path

import pytest
from case_files import model_from_text

from safecheck.ir.model import load
from safecheck.ir.reach import imported_scopes
from safecheck.rulebook.load import profile
from safecheck.usecases.audit import audit_model

BRANCHES = """(float[4,8,6,6] x, bool[1] f) => (float[4,8,6,6] y) <bool t = {1}, bool e = {0}>
{
    s = Identity(t)
    y = If(CONDITION) <
        then_branch = g () => (float[4,8,6,6] a) { a = Sigmoid(x) },
        else_branch = h () => (float[4,8,6,6] b) {
            b = If(t) <
                then_branch = i () => (float[4,8,6,6] c) { c = Relu(x) },
                else_branch = j () => (float[4,8,6,6] d) { d = LRN<size = 5>(x) }
            >
        }
    >
}"""
FUNCTIONS = """<ir_version: 8, opset_import: ["" : 17, "own" : 1]>
g (float[4,8,6,6] x) => (float[4,8,6,6] y) { y = own.called(x) }
<domain: "own", opset_import: ["" : 17, "own" : 1]> called (a) => (b) { b = own.inner(a) }
<domain: "own", opset_import: ["" : 17, "own" : 1]> inner (a) => (b) { b = Relu(a) }
<domain: "own", opset_import: ["" : 17, "own" : 1]> idle (a) => (b) { b = Det(a) }"""


def imported(text: str, folder: Path) -> set[str]:
    file = folder / "model.onnx"
    file.write_bytes(model_from_text(text).SerializeToString())
    return {scope.path for scope in imported_scopes(load(str(file)).graph)}


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("t", {"", "1:then_branch"}),
        ("e", {"", "1:else_branch", "1:else_branch/0:then_branch"}),
        ("f", {"", "1:then_branch", "1:else_branch", "1:else_branch/0:then_branch"}),
        ("s", {"", "1:then_branch", "1:else_branch", "1:else_branch/0:then_branch"}),
    ],
    ids=["true", "false", "an input", "computed"],
)
def test_the_branch_that_is_not_taken_is_not_imported(condition: str, expected: set[str], tmp_path: Path) -> None:
    assert imported(BRANCHES.replace("CONDITION", condition), tmp_path) == expected


def test_a_function_that_nobody_calls_is_not_imported(tmp_path: Path) -> None:
    assert imported(FUNCTIONS, tmp_path) == {"", "function:own:called", "function:own:inner"}


@pytest.mark.parametrize("name", ["tensorrt-8.6-restricted", "tensorrt-10-safety"])
def test_what_is_not_imported_is_counted_and_not_judged(name: str, tmp_path: Path) -> None:
    text = BRANCHES.replace("CONDITION", "t").replace("s = Identity(t)", "").replace(", bool[1] f", "")
    file = tmp_path / "model.onnx"
    file.write_bytes(model_from_text(text).SerializeToString())
    report = audit_model(str(file), profile(name))
    assert report.audit is not None
    assert report.exit_code == 0
    assert (len(report.audit.nodes), report.audit.skipped) == (5, 3)
    assert report.coverage["allowed"] == 5
