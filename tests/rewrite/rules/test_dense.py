"""Groups, dilation, uneven padding, one axis, strides of a patch and transposed convolutions in the plain form."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from mended import Mended, mended, model, normal

from safecheck.rewrite.graph import MutableGraph
from safecheck.rewrite.rules.dense import ConvolutionToDense

DENSE = "convolution-to-dense"
TRANSPOSED = "deconvolution-to-convolution"


def solved(case: Mended, name: str, operators: list[str] | None) -> None:
    assert case.applied == [name]
    assert case.weights[0].total > 0
    assert case.weights[1].total == 0
    assert operators in (None, case.operators)
    assert case.kinds == ["bounded"]
    assert case.difference() < 5e-5
    assert mended(case.after, name).steps == []


@pytest.mark.parametrize(
    ("attributes", "shape", "result"),
    [
        ("group = 2", (8, 3, 3, 3), [1, 8, 5, 6]),
        ("dilations = [2, 3]", (8, 6, 3, 3), [1, 8, 3, 2]),
        ("dilations = [2, 2], group = 6", (6, 1, 3, 3), [1, 6, 3, 4]),
        ("pads = [1, 0, 0, 2]", (8, 6, 3, 3), [1, 8, 6, 8]),
        ("pads = [0, 1, 1, 0], group = 3, dilations = [2, 1], strides = [2, 1]", (9, 2, 3, 2), [1, 9, 2, 8]),
    ],
)
def test_zeros_among_the_weights_say_the_same(attributes: str, shape: tuple[int, ...], result: list[int]) -> None:
    text = f"g (float[1,6,7,8] x) => (float{result} y) {{ y = Conv <{attributes}> (x, w, b) }}"
    solved(mended(model(text, {"w": normal(*shape), "b": normal(shape[0])}), DENSE), DENSE, ["Conv"])


def test_patches_become_channels() -> None:
    text = "g (float[2,3,32,48] x) => (float[2,8,2,3] y) { y = Conv <strides = [16, 16]> (x, w, b) }"
    case = mended(model(text, {"w": normal(8, 3, 16, 16), "b": normal(8)}), DENSE)
    assert case.weights[1].total == 0
    assert case.operators.count("Conv") == 1
    assert case.difference() < 2e-4


def test_one_spatial_axis_becomes_two_where_its_neighbours_have_four_dimensions() -> None:
    text = """g (float[2,1,6,9] x) => (float[2,1,4,9] y) {
        flat = Reshape (x, three)
        made = Conv <pads = [1, 1]> (flat, w)
        y = Reshape (made, four)
    }"""
    weights = {"w": normal(4, 6, 3), "three": np.array([2, 6, 9]), "four": np.array([2, 1, 4, 9])}
    solved(mended(model(text, weights), DENSE), DENSE, ["Reshape", "Conv", "Reshape"])


def test_what_is_plain_already_is_not_written_again() -> None:
    text = "g (float[1,2,13,13] x) => (float[1,2,2,2] y) { y = Conv <strides = [2, 2]> (x, w) }"
    assert "plain form already" in mended(model(text, {"w": normal(2, 2, 11, 11)}), DENSE).reasons


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(
    size=st.integers(1, 4), step=st.integers(1, 3), low=st.integers(0, 2), high=st.integers(0, 2),
    extra=st.integers(0, 2), group=st.sampled_from([1, 2]),
)  # fmt: skip
def test_any_transposed_convolution(size: int, step: int, low: int, high: int, extra: int, group: int) -> None:
    length = 4 * step + size - low - high + extra
    assume(low < size and high < size and extra < step)
    attributes = (
        f"strides = [{step}, {step}], pads = [{low}, {low}, {high}, {high}], output_padding = [{extra}, {extra}]"
    )
    text = (
        f"g (float[2,4,5,5] x) => (float[2,6,{length},{length}] y) "
        f"{{ y = ConvTranspose <{attributes}, group = {group}> (x, w, b) }}"
    )
    case = mended(model(text, {"w": normal(4, 6 // group, size, size), "b": normal(6)}), TRANSPOSED)
    if length % step == 0:
        solved(case, TRANSPOSED, None)
    else:
        assert "whole number of strides" in case.reasons


@pytest.mark.parametrize(("dilation", "kernel"), [(12, (1, 1)), (36, (1, 1)), (3, (3, 3))])
def test_taps_that_see_nothing_but_padding_go(dilation: int, kernel: tuple[int, int]) -> None:
    """The wide rates of an atrous pyramid on a small map: 3x3 taps so far apart that only one sees the map."""
    pads = f"pads = [{dilation}, {dilation}, {dilation}, {dilation}]"
    text = f"""g (float[1,6,4,4] x) => (float[1,5,4,4] y) {{
        y = Conv <dilations = [{dilation}, {dilation}], {pads}> (x, w)
    }}"""
    case = mended(model(text, {"w": normal(5, 6, 3, 3)}), DENSE, "convolution-in-pieces")
    assert case.weights[1].total == 0, case.reasons
    assert case.difference() < 1e-5
    if kernel == (1, 1):
        assert case.operators == ["Conv"]
        assert (5, 6, 1, 1) in [tuple(array.dims) for array in case.after.graph.initializer]


def test_a_wide_dilation_of_many_channels_is_not_spread() -> None:
    """960 x 256 channels at a rate of 36 would be 1.3e9 weights with their zeros."""
    text = """g (float[1,960,40,40] x) => (float[1,256,40,40] y) {
        y = Conv <dilations = [36, 36], pads = [36, 36, 36, 36]> (x, w)
    }"""
    graph = MutableGraph(model(text, {"w": normal(256, 960, 3, 3)}))
    match = ConvolutionToDense().match(graph, graph.nodes[0])
    assert match is not None
    assert match.candidates == ()
    assert "too large" in match.reason


def test_a_depthwise_kernel_that_is_trimmed_and_spread_to_its_own_size_is_another() -> None:
    text = """g (float[1,960,4,4] x) => (float[1,960,4,4] y) {
        y = Conv <group = 960, dilations = [2, 2], pads = [4, 4, 4, 4]> (x, w)
    }"""
    case = mended(model(text, {"w": normal(960, 1, 5, 5)}), DENSE)
    solved(case, DENSE, ["Conv"])


@pytest.mark.parametrize(
    ("attributes", "data", "weights", "result"),
    [
        ("", [1, 8, 3, 2], (2688, 8, 1, 1), [1, 2688, 3, 2]),
        ("", [2, 2688, 3, 2], (8, 2688, 1, 1), [2, 8, 3, 2]),
        ("pads = [1, 1, 1, 1], strides = [2, 2]", [1, 2560, 4, 4], (6, 2560, 3, 3), [1, 6, 2, 2]),
        ("group = 2688, pads = [2, 2, 2, 2]", [1, 2688, 4, 3], (2688, 1, 5, 5), [1, 2688, 4, 3]),
        ("strides = [32, 32]", [1, 3, 64, 96], (16, 3, 32, 32), [1, 16, 2, 3]),
    ],
)
def test_more_channels_than_are_known_in_parts(
    attributes: str, data: list[int], weights: tuple[int, ...], result: list[int]
) -> None:
    """EfficientNet from B4 on, a pyramid of pools before a 3x3 convolution, and patches of 32 x 32 pixels."""
    text = f"g (float{data} x) => (float{result} y) {{ y = Conv <{attributes}> (x, w, b) }}"
    proto = model(text.replace("<>", ""), {"w": normal(*weights), "b": normal(weights[0])})
    case = mended(proto, DENSE)
    assert case.applied == [DENSE], case.reasons
    assert case.weights[1].total == 0
    assert case.kinds == ["bounded"]
    assert case.error() < 1e-5
