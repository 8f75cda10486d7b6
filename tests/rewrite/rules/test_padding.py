"""Modes of padding and rounding become numbers, bit for bit."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mended import rewritten

NAME = "state-padding"


def conv(mode: str, size: int, kernel: int, stride: int, dilation: int) -> str:
    extent = (kernel - 1) * dilation + 1
    places = (size - extent) // stride + 1 if mode == "VALID" else -(-size // stride)
    values = ", ".join(str(number + 1) for number in range(kernel * kernel))
    return f"""g (float[1,1,{size},{size}] x) => (float[1,1,{places},{places}] y)
        <float[1,1,{kernel},{kernel}] w = {{{values}}}> {{
        y = Conv <auto_pad = "{mode}", strides = [{stride},{stride}], dilations = [{dilation},{dilation}]> (x, w)
    }}"""


def rounded_up(window: int) -> str:
    return f"""g (float[1,2,8,8] x) => (float[1,2,4,4] y) {{
        y = AveragePool <kernel_shape = [{window}, {window}], strides = [2, 2], ceil_mode = 1> (x)
    }}"""


def test_a_symmetric_same_becomes_allowed() -> None:
    result = rewritten(conv("SAME_UPPER", 8, 3, 1, 1), NAME)
    assert result.weights == ((0, 1), (0, 0))
    assert result.kinds == ["exact"]
    assert result.error() == 0


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(
    mode=st.sampled_from(["SAME_UPPER", "SAME_LOWER", "VALID"]),
    size=st.integers(7, 12),
    kernel=st.integers(1, 4),
    stride=st.integers(1, 3),
    dilation=st.integers(1, 2),
)
def test_the_numbers_are_those_of_the_mode(mode: str, size: int, kernel: int, stride: int, dilation: int) -> None:
    dilation = dilation if mode == "VALID" else 1  # onnxruntime has no SAME with dilation
    result = rewritten(conv(mode, size, kernel, stride, dilation), NAME)
    assert "proof failed" not in result.reasons
    assert result.error() == 0


@pytest.mark.parametrize("counted", [0, 1])
def test_rounding_up_that_changes_nothing_goes(counted: int) -> None:
    text = rounded_up(2).replace("ceil_mode = 1", f"ceil_mode = 1, count_include_pad = {counted}")
    result = rewritten(text, NAME)
    assert result.weights == ((0, 1), (0, 0))
    assert result.kinds == ["bounded"]
    assert result.error() < 1e-6


def test_rounding_up_that_counts_is_refused_with_the_reason() -> None:
    result = rewritten(rounded_up(3), NAME)
    assert not result.applied
    assert "hangs over" in result.reasons


@pytest.mark.parametrize("op_type", ["MaxPool", "AveragePool"])
def test_pools_that_say_numbers_are_left_alone(op_type: str) -> None:
    text = f"g (float[1,2,8,8] x) => (float[1,2,8,8] y) {{ y = {op_type} <kernel_shape=[3,3], pads=[1,1,1,1]> (x) }}"
    assert not rewritten(text, NAME).steps
