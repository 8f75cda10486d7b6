"""Constant factors and addends vanish in a neighbouring convolution, or become a depthwise one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mended import Mended, mended, model, normal

NAME = "fold-affine-into-convolution"


def affine(text: str, **weights: Any) -> Mended:
    return mended(model(text, weights), NAME)


def solved(case: Mended, operators: list[str], kind: str = "bounded", tolerance: float = 1e-5) -> None:
    assert case.applied == [NAME]
    assert case.weights[0].total > 0
    assert case.weights[1].total == 0
    assert case.operators == operators
    assert case.kinds == [kind]
    assert case.difference() <= tolerance
    assert mended(case.after, NAME).steps == []


@pytest.mark.parametrize(
    ("operator", "constant"),
    [
        ("Mul (x, c)", np.float32(0.3)),
        ("Mul (c, x)", normal(8, 1, 1)),
        ("Add (x, c)", normal(1, 8, 1, 1)),
        ("Sub (x, c)", normal(1)),
        ("Sub (c, x)", normal(8, 1, 1)),
        ("Div (x, c)", np.float32(4)),
        ("Neg (x)", np.float32(0)),
    ],
)
def test_a_single_operation_is_rounded_alike(operator: str, constant: Any) -> None:
    case = affine(f"g (float[2,8,3,4] x) => (float[2,8,3,4] y) {{ y = {operator} }}", c=constant)
    solved(case, ["Conv"], "exact", 0)


def test_a_quotient_is_a_product_rounded_once_more() -> None:
    solved(affine("g (float[2,8,3,4] x) => (float[2,8,3,4] y) { y = Div (x, c) }", c=normal(8, 1, 1)), ["Conv"])


def test_a_chain_goes_into_the_convolution_before_it() -> None:
    text = """g (float[2,6,5,5] x) => (float[2,4,5,5] y) {
        made = Conv <group = 2, pads = [1, 1, 1, 1]> (x, w, b)
        normal = BatchNormalization (made, s, t, m, v)
        scaled = Mul (normal, c)
        y = Add (half, scaled)
    }"""
    weights = {
        "w": normal(4, 3, 3, 3), "b": normal(4), "s": normal(4), "t": normal(4), "m": normal(4), "v": normal(4) ** 2,
        "c": normal(4, 1, 1), "half": np.float32(0.5),
    }  # fmt: skip
    case = affine(text, **weights)
    assert case.operators == ["Conv"]
    assert case.difference() < 1e-5


def test_transposed_convolutions_keep_their_parameters() -> None:
    text = """g (float[2,6,5,5] x) => (float[2,4,10,10] y) {
        made = ConvTranspose <group = 2, strides = [2, 2], pads = [1, 1, 1, 1], output_padding = [1, 1]> (x, w)
        y = Mul (made, c)
    }"""
    case = affine(text, w=normal(6, 2, 3, 3), c=normal(4, 1, 1))
    assert case.operators == ["ConvTranspose"]
    assert case.difference() < 1e-5


def test_a_factor_goes_into_a_padded_convolution_behind_it_but_an_addend_does_not() -> None:
    text = """g (float[2,6,5,5] x) => (float[2,4,5,5] y) {
        scaled = Mul (x, c)
        y = Conv <pads = [1, 1, 1, 1]> (scaled, w)
    }"""
    solved(affine(text, w=normal(4, 6, 3, 3), c=normal(6, 1, 1)), ["Conv"])
    shifted = affine(text.replace("Mul", "Add"), w=normal(4, 6, 3, 3), c=normal(6, 1, 1))
    solved(shifted, ["Conv", "Conv"], "exact")


def test_an_addend_goes_into_an_unpadded_convolution_behind_it() -> None:
    text = """g (float[2,6,5,5] x) => (float[2,4,2,2] y) {
        shifted = Sub (c, x)
        y = Conv <strides = [2, 2], group = 2> (shifted, w, b)
    }"""
    case = affine(text, w=normal(4, 3, 3, 3), b=normal(4), c=normal(6, 1, 1))
    assert case.operators == ["Conv"]
    assert case.difference() < 1e-5


def test_a_value_that_others_read_is_left_alone() -> None:
    text = """g (float[2,6,5,5] x) => (float[2,4,5,5] y, float[2,4,5,5] made) {
        made = Conv (x, w)
        y = Mul (made, c)
    }"""
    solved(affine(text, w=normal(4, 6, 1, 1), c=normal(4, 1, 1)), ["Conv", "Conv"], "exact")


def test_constants_along_the_last_axis_need_a_transpose_there_and_back() -> None:
    case = affine("g (float[2,3,4,8] x) => (float[2,3,4,8] y) { y = Mul (x, c) }", c=normal(8))
    solved(case, ["Reshape", "Transpose", "Reshape", "Conv", "Reshape", "Transpose", "Reshape"], "exact", 0)


def test_a_factor_for_more_channels_than_csa_has_takes_them_in_parts() -> None:
    case = affine("g (float[1,4608,2,1] x) => (float[1,4608,2,1] y) { y = Mul (x, c) }", c=np.float32(3))
    solved(case, ["Reshape", "Conv", "Reshape"], "exact", 0)


def test_weights_that_leave_the_range_are_refused() -> None:
    text = "g (float[1,2,2,2] x) => (float[1,2,2,2] y) {\n s = Mul (x, a)\n y = Mul (s, b)\n}"
    case = affine(text, a=np.float32(1e-30), b=np.float32(1e-15))
    assert case.applied == []
    assert "leave the range" in case.reasons


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(
    operator=st.sampled_from(["Add", "Sub", "Mul", "Div"]),
    dims=st.lists(st.integers(1, 4), min_size=4, max_size=4),
    varies=st.lists(st.booleans(), min_size=0, max_size=4),
    swapped=st.booleans(),
)
def test_any_axis(operator: str, dims: list[int], varies: list[bool], swapped: bool) -> None:
    kept = dims[4 - len(varies) :]
    constant = normal(*(size if given_ else 1 for size, given_ in zip(kept, varies, strict=True)))
    operands = "(c, x)" if swapped else "(x, c)"
    case = affine(f"g (float{dims} x) => (float{dims} y) {{ y = {operator} {operands} }}", c=constant)
    assert case.difference() <= (1e-5 if operator == "Div" else 0)
    assert bool(case.applied) == (operator != "Div" or not swapped)


def test_a_constant_that_does_not_vary_is_one_number() -> None:
    """A state that starts from zeros has an entry for every element, more than any convolution has channels."""
    text = "g (float[1,16,16,16] x) => (float[1,16,16,16] y) { y = Mul (x, c) }"
    case = mended(model(text, {"c": np.full((1, 16, 16, 16), 0.5, np.float32)}), NAME)
    assert case.applied == [NAME]
    assert case.weights[1].total == 0
    assert max(max(array.dims) for array in case.after.graph.initializer) <= 16
