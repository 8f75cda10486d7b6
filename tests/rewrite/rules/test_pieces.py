"""Long kernels, wide dilation, long strides and wide padding, in pieces that are in scope."""

from __future__ import annotations

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from mended import SAFETY_10, mended, model, normal

PIECES = "convolution-in-pieces"


def places(size: int, kernel: int, stride: int, dilation: int, low: int, high: int) -> int:
    return (size + low + high - (kernel - 1) * dilation - 1) // stride + 1


@pytest.mark.parametrize(
    ("attributes", "shape", "result"),
    [
        ("dilations = [6, 6], pads = [6, 6, 6, 6]", (8, 4, 3, 3), [2, 8, 20, 24]),
        ("dilations = [12, 4], pads = [12, 4, 12, 4], group = 4", (4, 1, 3, 3), [2, 4, 20, 24]),
        ("pads = [6, 6, 6, 6]", (8, 4, 13, 13), [2, 8, 20, 24]),
        ("pads = [9, 0, 9, 0], group = 4", (4, 1, 19, 1), [2, 4, 20, 24]),
        ("pads = [5, 4, 5, 4], group = 2, strides = [2, 1]", (6, 2, 11, 9), [2, 6, 10, 24]),
        ("strides = [5, 1]", (6, 4, 4, 2), [2, 6, 4, 23]),
        ("pads = [4, 0, 1, 0]", (6, 4, 5, 5), [2, 6, 21, 20]),
    ],
)
def test_pieces_beside_each_other_add_the_same(attributes: str, shape: tuple[int, ...], result: list[int]) -> None:
    text = f"g (float[2,4,20,24] x) => (float{result} y) {{ y = Conv <{attributes}> (x, w, b) }}"
    case = mended(model(text, {"w": normal(*shape), "b": normal(shape[0])}), PIECES)
    assert case.applied == [PIECES]
    assert case.weights[0].total > case.weights[1].total == 0
    assert case.kinds == ["bounded"]
    assert case.error() < 1e-6
    assert mended(case.after, PIECES).steps == []


def test_more_channels_than_a_convolution_may_have_are_added_in_parts() -> None:
    text = "g (float[1,600,9,9] x) => (float[1,8,1,1] y) { y = Conv <dilations = [4, 4]> (x, w) }"
    case = mended(model(text, {"w": normal(8, 600, 3, 3)}), PIECES)
    assert case.weights[1].total == 0, case.reasons
    assert case.error() < 1e-5


def test_a_kernel_beyond_the_scope_of_10() -> None:
    text = "g (float[1,3,40,40] x) => (float[1,3,40,40] y) { y = Conv <pads = [15, 15, 15, 15], group = 3> (x, w) }"
    case = mended(model(text, {"w": normal(3, 1, 31, 31)}), profile_id=SAFETY_10)
    assert case.weights[0].forbidden == 1
    assert case.weights[1].total == 0
    assert case.error() < 1e-5


def test_a_plain_convolution_is_left_alone() -> None:
    text = "g (double[1,3,9,9] x) => (double[1,3,9,9] y) { y = Conv <pads = [3, 3, 3, 3]> (x, w) }"
    assert not mended(model(text, {"w": normal(3, 3, 7, 7, dtype="float64")}), PIECES).steps


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(st.data())
def test_any_window(data: st.DataObject) -> None:
    size, kernel, stride, dilation = (data.draw(st.integers(*span)) for span in ((9, 20), (1, 15), (1, 6), (1, 5)))
    low, high = data.draw(st.integers(0, 9)), data.draw(st.integers(0, 9))
    made = places(size, kernel, stride, dilation, low, high)
    assume(made > 0)
    attributes = f"strides = [{stride}, 1], dilations = [{dilation}, 1], pads = [{low}, 1, {high}, 1]"
    text = f"g (float[1,4,{size},6] x) => (float[1,4,{made},6] y) {{ y = Conv <{attributes}, group = 2> (x, w, b) }}"
    case = mended(model(text, {"w": normal(4, 2, kernel, 3), "b": normal(4)}))
    assert "proof failed" not in case.reasons
    assert case.weights[1].total == 0, case.reasons
    assert case.difference() < 1e-4
