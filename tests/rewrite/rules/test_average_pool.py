"""Average pools that are too large, or padded, become permitted layers."""

from __future__ import annotations

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from mended import SAFETY_10, rewritten

STEPS, CONVOLUTION = "average-pool-in-steps", "average-pool-to-convolution"


def pool(shape: str, result: str, attributes: str) -> str:
    return f"g (float{shape} x) => (float{result} y) {{ y = AveragePool <{attributes}> (x) }}"


@pytest.mark.parametrize("target", ["tensorrt-8.6-restricted", SAFETY_10])
def test_a_large_window_over_the_whole_map_is_taken_in_steps(target: str) -> None:
    text = pool("[1,3,56,28]", "[1,3,1,1]", "kernel_shape = [56, 28]")
    result = rewritten(text, STEPS, target=target)
    assert result.weights[0].total == 1
    assert result.weights[1].total == 0
    assert result.operators.count("AveragePool") == 2
    assert result.error() < 2e-6


def test_a_prime_that_is_too_large_stays() -> None:
    result = rewritten(pool("[1,3,23,1]", "[1,3,1,1]", "kernel_shape = [23, 1]"), STEPS)
    assert not result.applied
    assert "likes the replacement no better" in result.reasons


def test_padding_that_counts_becomes_that_of_a_convolution() -> None:
    result = rewritten(
        pool("[1,3,8,8]", "[1,3,4,4]", "kernel_shape=[3,3], pads=[1,1,1,1], strides=[2,2], count_include_pad=1"),
        CONVOLUTION,
    )
    assert result.weights == ((0, 1), (0, 0))
    assert result.operators == ["Conv"]
    assert result.kinds == ["bounded"]
    assert result.error() < 1e-6


@pytest.mark.parametrize("target", ["tensorrt-8.6-restricted", SAFETY_10])
@pytest.mark.parametrize("mode", ["ceil_mode = 1", "ceil_mode = 1, count_include_pad = 1"])
def test_a_window_that_hangs_over_the_whole_map_is_a_smaller_one(target: str, mode: str) -> None:
    text = pool("[1,3,5,4]", "[1,3,1,1]", f"kernel_shape = [8, 8], strides = [8, 8], {mode}")
    result = rewritten(text, "average-pool-without-border", target=target)
    assert result.weights[0].total == 1
    assert result.weights[1].total == 0
    assert result.operators == ["AveragePool"]
    assert result.error() < 1e-6


def test_padding_that_does_not_count_leaves_smaller_windows_alone() -> None:
    """At the border the divisor is another one, so no pool and no plain convolution is the same."""
    text = pool("[1,3,8,8]", "[1,3,8,8]", "kernel_shape = [3,3], pads = [1,1,1,1]")
    assert not rewritten(text, CONVOLUTION, "average-pool-without-border").steps


def test_padding_that_does_not_count_is_a_linear_map_along_both_axes() -> None:
    text = pool("[2,3,8,6]", "[2,3,8,6]", "kernel_shape = [3,3], pads = [1,1,1,1]")
    result = rewritten(text, "linear-map-to-convolution")
    assert result.weights == ((0, 1), (0, 0))
    assert result.kinds == ["bounded"]
    assert result.error() < 1e-6


@pytest.mark.slow
@settings(max_examples=20, deadline=None)
@given(st.data())
def test_any_window(data: st.DataObject) -> None:
    size, window, stride = (data.draw(st.integers(*limits)) for limits in ((7, 12), (1, 7), (1, 3)))
    pad = data.draw(st.integers(0, min(window - 1, 3)))
    places = (size + 2 * pad - window) // stride + 1
    ceil, counted = data.draw(st.integers(0, 1)), data.draw(st.integers(0, 1))
    if ceil:
        places = -(-(size + 2 * pad - window) // stride) + 1
        assume((places - 1) * stride < size + pad)  # ONNX releases differ on a last window that begins behind the map
    attributes = (
        f"kernel_shape = [{window}, {window}], strides = [{stride}, {stride}], pads = [{pad},{pad},{pad},{pad}], "
        f"count_include_pad = {counted}, ceil_mode = {ceil}"
    )
    result = rewritten(pool(f"[2,3,{size},{size}]", f"[2,3,{places},{places}]", attributes))
    assert "proof failed" not in result.reasons
    assert result.weights[1].total == 0
    assert result.error() < 2e-6
