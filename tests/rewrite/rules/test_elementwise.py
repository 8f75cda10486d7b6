"""Elementwise operators on computed tensors become sums and products of equal four-dimensional shapes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mended import RESTRICTED, Mended, mended, model, run

NAME = "elementwise-to-sum-and-product"
POWER = "g (float[1,3,4,5] x) => (float[1,3,4,5] y) { y = Pow (x, p) }"


def solved(case: Mended, operators: list[str], kind: str, tolerance: float = 0) -> None:
    assert case.applied == [NAME]
    assert case.weights[1].total == 0
    assert case.operators == operators
    assert case.kinds == [kind]
    assert case.difference() <= tolerance
    assert mended(case.after, NAME).steps == []


def test_a_difference_is_the_sum_with_the_negative() -> None:
    text = "g (float[2,3,4,5] a, float[2,3,4,5] b) => (float[2,3,4,5] y) { y = Sub (a, b) }"
    solved(mended(model(text), NAME), ["Conv", "Add"], "exact")


def test_a_gate_per_channel_is_resized_to_the_map() -> None:
    text = "g (float[2,3,4,5] a, float[2,3,1,1] b) => (float[2,3,4,5] y) { y = Mul (b, a) }"
    case = mended(model(text), NAME)
    solved(case, ["Resize", "Mul"], "bounded")  # no difference on normal numbers; the bound is for denormals


def test_a_mask_per_pixel_is_repeated_by_ones() -> None:
    text = "g (float[2,3,4,5] a, float[2,1,4,5] b) => (float[2,3,4,5] y) { y = Mul (a, b) }"
    solved(mended(model(text), NAME), ["Conv", "Mul"], "exact")


def test_a_mean_of_many_is_a_scaled_sum() -> None:
    # One convolution repeats every element of b 196 times: less to read than the 64 x 64 weights of one over channels.
    form = "float[1,64,14,14]"
    text = f"g ({form} a, float[1,64,1,1] b, {form} c) => ({form} y) {{ y = Mean (a, b, c) }}"
    solved(mended(model(text), NAME), ["Reshape", "Conv", "Reshape", "Add", "Add", "Conv"], "bounded", 1e-6)


@pytest.mark.parametrize(("power", "count", "kind"), [(2, 1, "exact"), (3, 2, "bounded"), (5, 4, "bounded")])
def test_whole_powers_are_products(power: int, count: int, kind: str) -> None:
    case = mended(
        model("g (float[1,3,4,5] x) => (float[1,3,4,5] y) { y = Pow (x, p) }", {"p": np.float32(power)}), NAME
    )
    solved(case, ["Mul"] * count, kind, 2e-5)


@pytest.mark.parametrize("power", [0.5, -1.0, 9.0, 0.0])
def test_other_powers_are_refused(power: float) -> None:
    case = mended(
        model("g (float[1,3,4,5] x) => (float[1,3,4,5] y) { y = Pow (x, p) }", {"p": np.float32(power)}), NAME
    )
    assert "whole exponents" in case.reasons


@pytest.mark.slow
@settings(max_examples=30, deadline=None)
@given(
    operator=st.sampled_from(["Add", "Sub", "Mul"]),
    dims=st.lists(st.integers(1, 4), min_size=4, max_size=4),
    left=st.lists(st.booleans(), min_size=4, max_size=4),
    right=st.lists(st.booleans(), min_size=4, max_size=4),
)
def test_any_broadcasting(operator: str, dims: list[int], left: list[bool], right: list[bool]) -> None:
    a = [size if kept else 1 for size, kept in zip(dims, left, strict=True)]
    b = [size if kept else 1 for size, kept in zip(dims, right, strict=True)]
    result = [max(pair) for pair in zip(a, b, strict=True)]
    text = f"g (float{a} a, float{b} b) => (float{result} y) {{ y = {operator} (a, b) }}"
    case = mended(model(text), NAME, profile_id=RESTRICTED)
    assert case.difference() == 0
    assert case.weights[1].total == 0


def test_zeros_and_denormals_stay_within_the_bound() -> None:
    text = "g (float[1,2,4,5] a, float[1,2,1,1] b) => (float[1,2,4,5] y) { y = Mul (b, a) }"
    case = mended(model(text), NAME)
    feed = {"a": np.full((1, 2, 4, 5), 3, np.float32), "b": np.array([1e-45, -0.0], np.float32).reshape(1, 2, 1, 1)}
    (old,), (new,) = run(case.before, feed), run(case.after, feed)
    assert np.abs(old - new).max() <= 3 * 4e-45


@pytest.mark.parametrize("operator", ["Add", "Mul", "Sub"])
def test_five_dimensions_become_four_where_neighbours_vary_alike(operator: str) -> None:
    """Depths times features of a pixel, as camera networks lift them: height and width are one axis."""
    text = f"""g (float[2,8,6,5] d, float[2,16,6,5] f) => (float[2,128,6,5] y) {{
        deep = Constant <value_ints = [2, 1, 8, 6, 5]> ()
        wide = Constant <value_ints = [2, 16, 1, 6, 5]> ()
        flat = Constant <value_ints = [2, 128, 6, 5]> ()
        a = Reshape (d, deep)
        b = Reshape (f, wide)
        c = {operator} (a, b)
        y = Reshape (c, flat)
    }}"""
    case = mended(model(text), NAME)
    assert case.applied == [NAME]
    assert case.weights[1].total == 0
    assert case.kinds == ["exact"]
    assert case.difference() == 0
