"""Resizes: by nearest neighbours as data movement, by sizes as factors, of low rank on four dimensions."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mended import rewritten

ROTATE, SCALES, WIDEN = "rotate-with-transpose", "resize-sizes-to-scales", "widen-to-four-dimensions"
MODES = ["asymmetric", "half_pixel", "pytorch_half_pixel", "align_corners"]
ROUNDINGS = ["round_prefer_floor", "round_prefer_ceil", "floor", "ceil"]


def nearest(size: int, places: int, mode: str, rounding: str) -> str:
    return f"""g (float[1,2,{size},3] x) => (float[1,2,{places},3] y) <int64[4] sizes = {{1, 2, {places}, 3}}> {{
        y = Resize <
            mode = "nearest", coordinate_transformation_mode = "{mode}", nearest_mode = "{rounding}"
        > (x, , , sizes)
    }}"""


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("rounding", ROUNDINGS)
@pytest.mark.parametrize(("size", "places"), [(4, 8), (8, 4), (6, 18), (7, 3)])
def test_the_nearest_neighbour_is_picked_by_permitted_layers(mode: str, rounding: str, size: int, places: int) -> None:
    result = rewritten(nearest(size, places, mode, rounding), ROTATE)
    if "no program" not in result.reasons:  # 8 to 4 between aligned corners takes elements 0, 2, 5 and 7
        assert result.weights[1].total == 0, result.reasons
    assert "proof failed" not in result.reasons
    assert result.error() == 0


def test_doubling_as_feature_pyramids_do_it_is_no_tie() -> None:
    text = """g (float[1,2,4,3] x) => (float[1,2,8,6] y) <float[4] scales = {1, 1, 2, 2}> {
        y = Resize <
            mode = "nearest", coordinate_transformation_mode = "asymmetric", nearest_mode = "floor"
        > (x, , scales)
    }"""
    result = rewritten(text, ROTATE)
    assert result.weights == ((0, 1), (0, 0))
    assert result.kinds == ["exact"]
    assert result.error() == 0


def test_the_older_operator() -> None:
    text = """g (float[1,2,4,3] x) => (float[1,2,8,6] y) <float[4] scales = {1, 1, 2, 2}> {
        y = Upsample <mode = "nearest"> (x, scales)
    }"""
    result = rewritten(text, ROTATE, opset=9)
    assert result.weights == ((0, 1), (0, 0))
    assert result.error() == 0


@pytest.mark.slow
@settings(max_examples=30, deadline=None)
@given(
    size=st.integers(1, 9), places=st.integers(1, 18), mode=st.sampled_from(MODES), rounding=st.sampled_from(ROUNDINGS)
)
def test_nothing_wrong_is_ever_applied(size: int, places: int, mode: str, rounding: str) -> None:
    assert rewritten(nearest(size, places, mode, rounding), SCALES, ROTATE).error() == 0


def test_linear_is_no_movement() -> None:
    text = nearest(4, 8, "half_pixel", "floor").replace('"nearest"', '"linear"')
    assert not rewritten(text, ROTATE).steps


def test_three_dimensions_are_resized_as_four() -> None:
    text = """g (float[1,4,8] x) => (float[1,8,16] y) <float[3] scales = {1, 2, 2}, float half = {0.5}> {
        a = Sigmoid (x) b = Mul (a, x)
        r = Resize <mode = "linear"> (b, , scales)
        c = Sigmoid (r) y = Mul (c, r)
    }"""
    result = rewritten(text, WIDEN)
    assert result.weights[1] == (0, 2)  # the reshapes at the border
    assert result.kinds == ["tested"]
    assert result.error() < 1e-5


def test_axes_count_from_the_front() -> None:
    text = """g (float[4,8] x) => (float[8,16] y) <int64[2] sizes = {8, 16}> {
        a = Sigmoid (x) b = Mul (a, x)
        r = Resize <mode = "linear", axes = [0, 1]> (b, , , sizes)
        c = Sigmoid (r) y = Mul (c, r)
    }"""
    result = rewritten(text, WIDEN, SCALES, opset=18)
    assert result.weights[1] == (0, 1)  # the reshape at the input
    assert result.error() < 1e-5
