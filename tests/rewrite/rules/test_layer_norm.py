"""Written-out layer normalisations become one operator, in the spellings of exporters and of common code."""

from __future__ import annotations

import pytest
from mended import rewritten

FUSE = "fuse-layer-normalization"
HEAD = "m = ReduceMean <axes = [{axes}]> (x) d = Sub (x, m)"
SQUARES = {"pow": "s = Pow (d, two)", "mul": "s = Mul (d, d)", "again": "d2 = Sub (x, m) s = Pow (d2, two)"}
ROOTS = {
    "div": "r = Sqrt (e) n = Div (d, r)",
    "reciprocal": "r = Sqrt (e) i = Reciprocal (r) n = Mul (d, i)",
    "one over": "r = Sqrt (e) i = Div (one, r) n = Mul (i, d)",
    "power": "r = Pow (e, half) n = Mul (d, r)",
}
CONSTANTS = "float two = {2}, float one = {1}, float half = {-0.5}, float[1] eps = {0.00001}"


def graph(shape: str, axes: str, squares: str, root: str, tail: str, parameters: str = "") -> str:
    """A normalisation in ONNX text."""
    return f"""g (float{shape} x) => (float{shape} y) <{CONSTANTS}{parameters}> {{
        {HEAD.format(axes=axes)} {SQUARES[squares]} v = ReduceMean <axes = [{axes}]> (s) e = Add (v, eps) {ROOTS[root]}
        {tail}
    }}"""


SCALED = "w = Mul (n, scale) y = Add (w, bias)"
LAST = ", float[4] scale = {1, 2, 3, 4}, float[4] bias = {4, 3, 2, 1}"


@pytest.mark.parametrize("squares", SQUARES)
@pytest.mark.parametrize("root", ROOTS)
def test_every_spelling_becomes_one_operator(squares: str, root: str) -> None:
    result = rewritten(graph("[2,3,5,4]", "-1", squares, root, SCALED, LAST), FUSE)
    assert result.operators == ["LayerNormalization"]
    assert result.weights[1] == (0, 1)
    assert result.error() < 1e-5


def test_without_parameters_the_scale_is_one() -> None:
    result = rewritten(graph("[2,3,5,4]", "2, 3", "pow", "div", "y = Identity (n)"), FUSE)
    assert result.operators == ["LayerNormalization"]
    assert result.error() < 1e-5


def test_channels_first_are_exchanged_with_the_last_axis() -> None:
    channels = ", float[4,1,1] scale = {1, 2, 3, 4}, float[4,1,1] bias = {4, 3, 2, 1}"
    result = rewritten(graph("[2,4,3,5]", "1", "pow", "div", SCALED, channels), FUSE)
    assert result.operators == ["Transpose", "LayerNormalization", "Transpose"]
    assert result.error() < 1e-5


def test_a_scale_along_another_axis_stays_outside() -> None:
    rows = ", float[5,1] scale = {1, 2, 3, 4, 5}, float[4] bias = {4, 3, 2, 1}"
    result = rewritten(graph("[2,3,5,4]", "-1", "pow", "div", SCALED, rows), FUSE)
    assert result.operators == ["LayerNormalization", "Mul", "Add"]
    assert result.error() < 1e-5


def test_before_the_operator_existed_it_says_so() -> None:
    result = rewritten(graph("[2,3,5,4]", "-1", "pow", "div", SCALED, LAST), FUSE, opset=13)
    assert not result.applied
    assert "from operator set 17" in result.reasons


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("d = Sub (x, m)", "d = Sub (m, x)"),
        ("v = ReduceMean <axes = [-1]>", "v = ReduceMean <axes = [-1, -2]>"),
        ("Pow (d, two)", "Pow (d, one)"),
        ("d = Sub (x, m)", "z = Relu (x) d = Sub (z, m)"),
        ("n = Div (d, r)", "n = Div (x, r)"),
    ],
)
def test_anything_else_is_not_taken_for_one(old: str, new: str) -> None:
    text = graph("[2,3,5,4]", "-1", "pow", "div", SCALED, LAST)
    assert old in text
    assert not rewritten(text.replace(old, new), FUSE).steps


def test_a_scale_that_comes_after_the_bias_is_no_scale() -> None:
    result = rewritten(graph("[2,3,5,4]", "-1", "pow", "div", "w = Add (n, bias) y = Mul (w, scale)", LAST), FUSE)
    assert result.operators == ["LayerNormalization", "Mul"]
    assert result.error() < 1e-5
