"""What an audit says that `fix` removes of open dimensions, and of shapes at the border, is what it removes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import onnx
import pytest

from safecheck.audit.decision import INTERFACE, asked, decision
from safecheck.render import RENDERERS
from safecheck.rulebook.load import profile
from safecheck.usecases.audit import audit_model
from safecheck.usecases.fix import Request, fix
from safecheck.usecases.planned import with_plan

TARGET = "tensorrt-8.6-restricted"
Saved = Callable[[str], Path]


@pytest.fixture
def saved(tmp_path: Path) -> Saved:
    def save(text: str) -> Path:
        file = tmp_path / "model.onnx"
        onnx.save(onnx.parser.parse_model(f'<ir_version: 8, opset_import: ["": 17]>\ng {text}'), file)
        return file

    return save


def rows(file: Path) -> dict[str, tuple[int, int]]:
    """What is removed and what is left, by what it is."""
    return {row.what: (row.removed, row.left) for row in decision(audit_model(str(file), profile(TARGET)))}


OPEN: list[tuple[str, dict[str, tuple[int, int]]]] = [
    ("(float[N,8,4,4] x) => (float[N,8,4,4] y) { y = Relu (x) }", {INTERFACE: (2, 0), "Relu": (1, 0)}),
    ("(float[1,8,H,W] x) => (float[1,8,H,W] y) { y = Relu (x) }", {INTERFACE: (0, 2), "Relu": (0, 1)}),
    ("(float[N,8,H,W] x) => (float[N,8,H,W] y) { y = Relu (x) }", {INTERFACE: (0, 2), "Relu": (0, 1)}),
    (
        "(float[N,8,H,4] x, float[N,8,4,4] z) => (float[N,8,H,4] y, float[N,8,4,4] w) { y = Relu (x) w = Sigmoid (z) }",
        {INTERFACE: (2, 2), "Relu": (0, 1), "Sigmoid": (1, 0)},
    ),
    ("(float[N,8,4,N] x) => (float[N,8,4,N] y) { y = Relu (x) }", {INTERFACE: (2, 0), "Relu": (1, 0)}),
    ("(float[N,8,4,4] x) => (float[M,8,4,4] y) { y = Relu (x) }", {INTERFACE: (2, 0), "Relu": (1, 0)}),
    ("(float[N,8,4,4] x) => (int64[4,K] y) { y = NonZero (x) }", {INTERFACE: (1, 1), "NonZero": (0, 1)}),
]


@pytest.mark.parametrize(("text", "expected"), OPEN)
def test_a_batch_closes_what_follows_from_it_and_nothing_else(
    text: str, expected: dict[str, tuple[int, int]], saved: Saved, tmp_path: Path
) -> None:
    file = saved(text)
    assert rows(file) == expected
    if "[N" not in text:
        return
    fixed = fix(str(file), str(tmp_path / "fixed.onnx"), profile(TARGET), Request(batch=1))
    onnx.checker.check_model(str(tmp_path / "fixed.onnx"), full_check=True)
    assert (str(fixed.after.verdict) == "compliant") != any(left for _, left in expected.values())


@pytest.mark.parametrize(
    "text",
    [
        "(float[8] x) => (float[1,8,1,1] y) <int64[4] s = {1, 8, 1, 1}> { q = Reshape (x, s) y = Sigmoid (q) }",
        "(float[1,8,1,1] x) => (float[8] y) <int64[1] s = {8}> { q = Sigmoid (x) y = Reshape (q, s) }",
        "(float[N] x) => (float[N] y) { y = Sigmoid (x) }",
    ],
    ids=["input", "output", "open"],
)
def test_one_dimension_at_the_border_becomes_four_where_that_is_asked_for(
    text: str, saved: Saved, tmp_path: Path
) -> None:
    file = saved(text)
    before = audit_model(str(file), profile(TARGET))
    batch, four = asked(decision(before))
    assert (batch, four) == ("[N]" in text, True)
    plan = with_plan(before).plan
    assert plan is not None
    assert (plan.forbidden, plan.unproven) == (0, 0)
    request = Request(batch=1 if batch else None, four=four)
    assert str(fix(str(file), str(tmp_path / "fixed.onnx"), profile(TARGET), request).after.verdict) == "compliant"


def test_what_is_as_long_as_its_elements_say_keeps_no_rank(saved: Saved) -> None:
    found = rows(saved("(float[8] x) => (int64[1,n] y) { y = NonZero (x) }"))
    assert found == {"NonZero": (0, 1), INTERFACE: (1, 1)}


@pytest.mark.parametrize(("four", "command"), [(False, "fixed.fixed.onnx --io 4d"), (True, "rules show")])
def test_the_page_of_a_fixed_model_names_no_way_that_was_tried(
    four: bool, command: str, saved: Saved, tmp_path: Path
) -> None:
    file = saved("(float[8] x) => (float[m] y) { y = Unique (x) }")
    fixed = fix(str(file), str(tmp_path / "fixed.onnx"), profile(TARGET), Request(four=four))
    page = RENDERERS["fix"]["html"](fixed)
    assert isinstance(page, str)
    assert "What remains" in page
    assert "removes</th>" not in page
    assert command in page.partition("Next: <code>safecheck ")[2].partition("</code>")[0]
