"""Convolutions over time and volumes, with what lies between them, on two spatial axes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from mended import mended, model, normal

PLANAR = "convolve-in-two-dimensions"
BETWEEN = {
    "a sum over the channels": ("[1,6,12]", "t = Add (a, k)", {"k": normal(6, 1)}),
    "a factor along the line": ("[1,6,12]", "t = Mul (a, k)", {"k": normal(12)}),
    "a computed factor": ("[1,6,12]", "m = GlobalAveragePool (a) t = Mul (a, m)", {}),
    "a normalisation": (
        "[1,6,12]",
        "t = BatchNormalization (a, k, l, l, k)",
        {"k": np.arange(1, 7, dtype=np.float32), "l": normal(6)},
    ),
    "a choice": ("[1,6,12]", "t = PRelu (a, k)", {"k": normal(6, 1)}),
    "a pool": ("[1,6,6]", "t = AveragePool <kernel_shape = [2], strides = [2]> (a)", {}),
    "the largest": ("[1,6,12]", "t = MaxPool <kernel_shape = [3], pads = [1, 1]> (a)", {}),
    "a concatenation": ("[1,12,12]", "t = Concat <axis = 1> (a, x)", {}),
    "one behind the other": ("[1,6,24]", "t = Concat <axis = -1> (a, x)", {}),
    "the past only": ("[1,6,10]", "t = Slice (a, z, end, ax)", {"z": [0], "end": [-2], "ax": [2]}),
    "zeros around": ("[1,6,15]", "t = Pad (a, p)", {"p": [0, 0, 1, 0, 0, 2]}),
    "a dilated one": ("[1,6,8]", "t = Conv <dilations = [2]> (a, k)", {"k": normal(6, 6, 3)}),
    "one per channel": ("[1,6,4]", "t = Conv <group = 6, strides = [3], pads = [1, 0]> (a, k)", {"k": normal(6, 1, 3)}),
    "a transposed one": ("[1,4,24]", "t = ConvTranspose <strides = [2]> (a, k)", {"k": normal(6, 4, 2)}),
}


@pytest.mark.parametrize("name", BETWEEN)
def test_everything_between_two_convolutions_goes_along(name: str) -> None:
    shape, line, weights = BETWEEN[name]
    channels = shape[1:-1].split(",")[1]
    text = f"""g (float[1,6,12] x) => (float{shape} y) {{
        c = Conv <pads = [1, 1]> (x, v, b) a = Relu (c)
        {line}
        d = Conv (t, w) e = Sigmoid (d) y = Mul (d, e)
    }}"""
    given_ = {"v": normal(6, 6, 3), "b": normal(6), "w": normal(int(channels), int(channels), 1)}
    case = mended(model(text, given_ | {key: np.asarray(array) for key, array in weights.items()}), PLANAR)
    assert case.applied == [PLANAR], case.reasons
    assert case.operators.count("Reshape") == 2  # the interface keeps its shapes
    assert case.weights[1].total < case.weights[0].total
    assert case.error() < 1e-6
    assert mended(case.after, PLANAR).applied == []


def test_a_single_one_is_left_alone_with_a_reason() -> None:
    text = "g (float[1,2,9] x) => (float[1,2,9] y) { y = Conv (x, w) }"
    assert "likes the replacement no better" in mended(model(text, {"w": normal(2, 2, 1)}), PLANAR).reasons


def test_a_volume_between_maps_becomes_one_convolution() -> None:
    text = """g (float[2,8,5,6] x) => (float[2,12,5,6] y) {
        r = Reshape (x, five) c = Conv <pads = [1, 1, 1, 1, 1, 1]> (r, w, b) a = Relu (c)
        n = BatchNormalization (a, k, k, k, k) m = Mul (n, f) y = Reshape (m, four)
    }"""
    weights = {
        "five": np.array([2, 2, 4, 5, 6]), "four": np.array([2, 12, 5, 6]), "w": normal(3, 2, 3, 3, 3),
        "b": normal(3), "k": np.arange(1, 4, dtype=np.float32), "f": normal(3, 1, 1, 1),
    }  # fmt: skip
    case = mended(model(text, weights))
    assert case.applied[0] == PLANAR
    assert case.weights[1].total == 0, case.reasons
    assert case.error() < 1e-6


def test_arithmetic_on_five_dimensions_goes_along_without_a_convolution() -> None:
    text = """g (float[2,12,5,6] x) => (float[2,12,5,6] y) {
        r = Reshape (x, five) a = Sigmoid (r) b = Mul (a, r) c = Add (b, k) d = Mul (c, f) y = Reshape (d, four)
    }"""
    weights = {
        "five": np.array([2, 3, 4, 5, 6]), "four": np.array([2, 12, 5, 6]),
        "k": normal(3, 1, 1, 1), "f": normal(4, 1, 1),
    }  # fmt: skip
    case = mended(model(text, weights))
    assert PLANAR in case.applied
    assert case.weights[1].total == 0, case.reasons
    assert "Reshape" not in case.operators
    assert case.error() < 1e-6


@pytest.mark.slow
@settings(max_examples=30, deadline=None)
@given(
    depth=st.integers(1, 6), kernel=st.integers(1, 3), stride=st.integers(1, 3), dilation=st.integers(1, 2),
    low=st.integers(0, 2), high=st.integers(0, 2),
)  # fmt: skip
def test_any_window_over_depth(depth: int, kernel: int, stride: int, dilation: int, low: int, high: int) -> None:
    span = depth + low + high - (kernel - 1) * dilation - 1
    assume(span >= 0)
    made = span // stride + 1
    text = f"""g (float[1,{2 * depth},4,4] x) => (float[1,{3 * made},4,4] y) {{
        r = Reshape (x, five)
        c = Conv <strides = [{stride}, 1, 1], dilations = [{dilation}, 1, 1], pads = [{low}, 1, 0, {high}, 1, 0]> (r, w)
        y = Reshape (c, four)
    }}"""
    weights = {
        "five": np.array([1, 2, depth, 4, 4]), "four": np.array([1, 3 * made, 4, 4]), "w": normal(3, 2, kernel, 3, 1)
    }  # fmt: skip
    case = mended(model(text, weights))
    assert case.applied[0] == PLANAR, case.reasons
    assert case.difference() < 1e-4
