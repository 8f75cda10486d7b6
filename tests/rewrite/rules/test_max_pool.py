"""MaxPool becomes Relu on differences of neighbours."""

from __future__ import annotations

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from mended import Mended, mended, model

NAME = "max-pool-to-relu"


def solved(case: Mended, applied: int = 1) -> None:
    assert case.applied == [NAME] * applied
    assert case.weights[1].total == 0
    assert "MaxPool" not in case.operators
    assert set(case.kinds) == {"bounded"}
    assert case.difference() < 5e-6
    assert mended(case.after, NAME).steps == []


def test_two_by_two() -> None:
    text = "g (float[2,3,8,6] x) => (float[2,3,4,3] y) { y = MaxPool <kernel_shape = [2, 2], strides = [2, 2]> (x) }"
    case = mended(model(text), NAME)
    solved(case)
    assert case.operators == ["Conv", "Conv", "Relu", "Add"] * 2


def test_the_padded_pool_of_resnet_follows_a_relu() -> None:
    text = """g (float[1,4,8,8] x) => (float[1,4,4,4] y) {
        r = Relu (x)
        y = MaxPool <kernel_shape = [3, 3], strides = [2, 2], pads = [1, 1, 1, 1]> (r)
    }"""
    solved(mended(model(text), NAME))


def test_pools_of_pools_after_silu_know_their_floor() -> None:
    text = """g (float[1,4,8,8] x) => (float[1,4,8,8] y) {
        s = Sigmoid (x)
        m = Mul (s, x)
        a = MaxPool <kernel_shape = [5, 5], pads = [2, 2, 2, 2]> (m)
        y = MaxPool <kernel_shape = [5, 5], pads = [2, 2, 2, 2]> (a)
    }"""
    solved(mended(model(text), NAME), 2)


@pytest.mark.parametrize(
    ("attributes", "result", "reason"),
    [
        ("kernel_shape = [2, 2], dilations = [2, 2]", "1,2,6,6", "dilated"),
        ("kernel_shape = [15, 1], pads = [7, 0, 7, 0]", "1,2,8,8", "too long"),
    ],
)
def test_refusals_say_why(attributes: str, result: str, reason: str) -> None:
    text = f"g (float[1,2,8,8] x) => (float[{result}] y) {{ y = MaxPool <{attributes}> (x) }}"
    case = mended(model(text), NAME)
    assert case.applied == []
    assert reason in case.reasons


@pytest.mark.parametrize(
    ("attributes", "result"),
    [
        ("kernel_shape = [3, 3], pads = [1, 1, 1, 1]", "2,3,16,12"),
        ("kernel_shape = [9, 13], pads = [4, 6, 4, 6]", "2,3,16,12"),
        ("kernel_shape = [7, 7], strides = [3, 3]", "2,3,4,2"),
        ("kernel_shape = [3, 3], strides = [2, 2], ceil_mode = 1", "2,3,8,6"),
        ('kernel_shape = [3, 3], strides = [2, 2], auto_pad = "SAME_UPPER"', "2,3,8,6"),
        ("kernel_shape = [1, 1], strides = [2, 3]", "2,3,8,4"),
    ],
)
def test_elements_at_the_border_stand_for_padding(attributes: str, result: str) -> None:
    """Nothing is known about the signs, so zeros would not do."""
    text = f"g (float[2,3,16,12] x) => (float[{result}] y) {{ y = MaxPool <{attributes}> (x) }}"
    case = mended(model(text), NAME)
    solved(case)
    assert case.difference(scale=-1.0) < 5e-6


@pytest.mark.slow
@settings(max_examples=20, deadline=None)
@given(
    window=st.tuples(st.integers(1, 4), st.integers(1, 8)), strides=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    pads=st.tuples(*[st.integers(0, 2)] * 4), positive=st.booleans(),
)  # fmt: skip
def test_any_window(
    window: tuple[int, int], strides: tuple[int, int], pads: tuple[int, int, int, int], positive: bool
) -> None:
    assume(all(pads[axis] < window[axis % 2] for axis in range(4)) and window != (1, 1))
    size = [(9 + pads[axis] + pads[axis + 2] - window[axis]) // strides[axis] + 1 for axis in range(2)]
    attributes = f"kernel_shape = {list(window)}, strides = {list(strides)}, pads = {list(pads)}"
    text = f"""g (float[1,2,9,9] x) => (float[1,2,{size[0]},{size[1]}] y) {{
        {"r = Relu (x)" if positive else "r = Add (x, x)"}
        y = MaxPool <{attributes}> (r)
    }}"""
    solved(mended(model(text), NAME))
