"""Products with constant weights end as 1x1 convolutions, together with what surrounds them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mended import Mended, mended, model, normal

NAME = "matmul-to-convolution"


def products(text: str, opset: int = 17, **weights: Any) -> Mended:
    return mended(model(text, weights, opset), NAME)


def solved(case: Mended, tolerance: float = 1e-4) -> None:
    assert case.applied == [NAME]
    assert case.weights[1].total == 0
    assert case.difference() < tolerance
    assert case.kinds == ["bounded"]


def test_tokens_are_moved_to_channels_and_back() -> None:
    case = products("g (float[2,1,9,8] x) => (float[2,1,9,5] y) { y = MatMul (x, w) }", w=normal(8, 5))
    solved(case)
    assert case.operators == ["Reshape", "Transpose", "Reshape", "Conv", "Reshape", "Transpose", "Reshape"]
    again = mended(case.after, NAME)
    assert again.steps == []  # nothing is left to do


def test_a_constant_on_the_left_needs_no_transpose() -> None:
    case = products("g (float[2,1,8,9] x) => (float[2,1,5,9] y) { y = MatMul (w, x) }", w=normal(5, 8))
    solved(case)
    assert case.operators == ["Reshape", "Conv", "Reshape"]


def test_a_classifier_head_ends_as_class_scores() -> None:
    text = """g (float[2,8,1,1] x) => (float[2,10] y) {
        f = Flatten (x)
        y = Gemm <transB = 1, alpha = 0.5, beta = 2.0> (f, w, b)
    }"""
    case = products(text, w=normal(10, 8), b=normal(10))
    solved(case)
    assert case.operators == ["Conv", "Reshape"]


def test_a_head_on_the_whole_map_becomes_a_convolution_that_covers_it() -> None:
    text = "g (float[2,600,2,2] x) => (float[2,10] y) {\n f = Flatten (x)\n y = Gemm (f, w)\n}"
    case = products(text, w=normal(2400, 10))
    solved(case, 2e-3)
    assert list(case.after.graph.node[0].attribute[0].ints) == [2, 2]


def test_what_surrounds_the_product_is_taken_in() -> None:
    text = """g (float[1,2,9,8] x) => (float[1,2,9,5] y) {
        scaled = Mul (x, s)
        product = MatMul (scaled, w)
        biased = Add (b, product)
        halved = Div (biased, two)
        y = Sub (halved, c)
    }"""
    case = products(text, s=normal(8), w=normal(8, 5), b=normal(5), two=np.float32(2), c=normal(1, 1, 1, 5))
    solved(case)
    assert case.operators.count("Conv") == 1
    assert len(case.steps[0].nodes) == 5


def test_an_addend_that_varies_along_the_tokens_stays() -> None:
    text = "g (float[1,1,9,8] x) => (float[1,1,9,5] y) {\n p = MatMul (x, w)\n y = Add (p, c)\n}"
    case = products(text, w=normal(8, 5), c=normal(9, 5))
    assert case.operators[-1] == "Add"
    assert case.difference() < 1e-5


def test_a_value_that_somebody_else_reads_is_still_made() -> None:
    text = """g (float[1,1,9,8] x) => (float[1,1,9,5] y, float[1,1,9,5] p) {
        p = MatMul (x, w)
        y = Add (p, b)
    }"""
    case = products(text, w=normal(8, 5), b=normal(5))
    assert case.applied == [NAME]
    assert case.difference() < 1e-5


def test_layout_changes_around_the_product_vanish() -> None:
    text = """g (float[2,8,3,4] x) => (float[2,5,3,4] y) {
        last = Transpose <perm = [0, 2, 3, 1]> (x)
        product = MatMul (last, w)
        biased = Add (product, b)
        y = Transpose <perm = [0, 3, 1, 2]> (biased)
    }"""
    case = products(text, w=normal(8, 5), b=normal(5))
    solved(case)
    assert case.operators == ["Conv"]


@pytest.mark.parametrize(
    ("equation", "x", "w", "y"),
    [
        ("nlc,cd->nld", (2, 9, 8), (8, 5), (2, 9, 5)),
        ("dc,nclp->ndlp", (2, 8, 9, 3), (5, 8), (2, 5, 9, 3)),
        ("nhlc,hcd->nld", (2, 4, 9, 3), (4, 3, 7), (2, 9, 7)),
        ("nlc,chd->nhld", (2, 9, 8), (8, 4, 3), (2, 4, 9, 3)),
        ("lc,c->l", (9, 8), (8,), (9,)),
    ],
)
def test_einsum_in_any_order_of_axes(equation: str, x: Any, w: Any, y: Any) -> None:
    left = equation.partition("->")[0].split(",")
    slots = ("x", "w") if len(left[0]) == len(x) else ("w", "x")
    shapes = {"x": list(x), "y": list(y)}
    text = (
        f"g (float{shapes['x']} x) => (float{shapes['y']} y) "
        f'{{ y = Einsum <equation = "{equation}"> ({slots[0]}, {slots[1]}) }}'
    )
    case = products(text, w=normal(*w))
    if len(x) == len(y) == 4:
        solved(case)
    assert case.difference() < 1e-4


@pytest.mark.parametrize(
    ("text", "weights", "reason"),
    [
        ("g (float[1,2,9,8] x) => (float[1,2,9,5] y) { y = MatMul (x, w) }",
         {"w": normal(2, 8, 5)}, "another matrix for every batch"),
        ('g (float[1,2,9,8] x) => (float[2,9,5] y) { y = Einsum <equation = "nblc,bcd->bld"> (x, w) }',
         {"w": normal(2, 8, 5)}, "varies along an axis that the result keeps"),
        ("g (float[8,9] x) => (float[8,5] y) { y = Gemm (x, w, c) }",
         {"w": normal(9, 5), "c": normal(8, 1)}, "no output channel"),
        ("g (float[1,1,n,8] x) => (float[1,1,n,5] y) { y = MatMul (x, w) }",
         {"w": normal(8, 5)}, "not fixed"),
        ("g (float[1,1,2,8] x) => (float[1,1,2,5] y) {\n p = MatMul (x, w)\n y = Mul (p, s)\n}",
         {"w": normal(8, 5) * np.float32(1e-30), "s": np.float32(1e-10)}, "leave the range of FLOAT"),
        ("g (double[1,1,2,8] x) => (double[1,1,2,5] y) { y = MatMul (x, w) }",
         {"w": normal(8, 5, dtype=np.float64)}, "a convolution of DOUBLE"),
    ],
)  # fmt: skip
def test_refusals_say_why(text: str, weights: dict[str, Any], reason: str) -> None:
    case = mended(model(text, weights), NAME)
    assert case.applied == []
    assert reason in case.reasons


def test_more_channels_than_csa_has_are_taken_in_parts() -> None:
    text = """g (float[1,1,4,16] x) => (float[1,1,4,16] y) {
        wide = MatMul (x, up)
        y = MatMul (wide, down)
    }"""
    case = mended(model(text, {"up": normal(16, 4608), "down": normal(4608, 16)}), NAME)
    assert case.applied == [NAME, NAME]
    assert case.weights[1].total == 0
    assert case.difference() < 0.05  # of values around 270


def test_half_precision_keeps_its_type() -> None:
    text = "g (float16[1,1,9,8] x) => (float16[1,1,9,5] y) { y = MatMul (x, w) }"
    solved(products(text, w=normal(8, 5, dtype=np.float16)), 0.02)


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(
    dims=st.lists(st.integers(1, 4), min_size=1, max_size=4),
    inner=st.integers(1, 5),
    new=st.integers(1, 5),
    left=st.booleans(),
)
def test_any_shape_of_matmul(dims: list[int], inner: int, new: int, left: bool) -> None:
    dims[-1:] = [inner]
    if left and len(dims) > 1:
        dims[-2:] = [inner, dims[-2]]
    result = [*dims[:-2], new, dims[-1]] if left and len(dims) > 1 else [*dims[:-1], new]
    operands, shape = ("w, x", (new, inner)) if left else ("x, w", (inner, new))
    proto = model(f"g (float{dims} x) => (float{result} y) {{ y = MatMul ({operands}) }}", {"w": normal(*shape)})
    case = mended(proto, NAME)
    assert case.difference() < 1e-4
    if len(dims) == 4:
        assert case.applied == [NAME]
