"""MaxPool becomes Relu on differences of neighbours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from mended import Mended, mended, model, run

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
    ("text", "reason"),
    [
        ("g (float[1,2,8,8] x) => (float[1,2,7,7] y, int64[1,2,7,7] z) { y, z = MaxPool <kernel_shape = [2, 2]> (x) }",
         "places of the maxima"),
        ("g (float[1,2,4,4] x) => (float[1,2,1,4] y)"
         " { y = MaxPool <kernel_shape = [2, 1], dilations = [5, 1], pads = [1, 0, 1, 0]> (x) }", "but padding"),
        ("g (float[1,2,20000] x) => (float[1,2,19993] y) { y = MaxPool <kernel_shape = [2], dilations = [7]> (x) }",
         "too long to be channels"),
        ("g (float[1,2,n,8] x) => (float[1,2,m,7] y) { y = MaxPool <kernel_shape = [2, 2]> (x) }", "no fixed shape"),
    ],
)  # fmt: skip
def test_refusals_say_why(text: str, reason: str) -> None:
    case = mended(model(text), NAME)
    assert case.applied == []
    assert reason in case.reasons


def pooled(x: Any, kernel: Sequence[int], how: Mapping[str, Sequence[int]], ceil: bool = False) -> Any:
    """The maximum over every window, from the definition of the operator: padding is minus infinity."""
    rank = len(kernel)
    strides, dilations = how.get("strides", [1] * rank), how.get("dilations", [1] * rank)
    pads = how.get("pads", [0] * 2 * rank)
    for axis in range(rank):
        x = np.moveaxis(x, axis + 2, -1)
        low, size, extent = pads[axis], x.shape[-1], (kernel[axis] - 1) * dilations[axis] + 1
        span = low + size + pads[axis + rank] - extent
        places = (-(-span // strides[axis]) if ceil else span // strides[axis]) + 1
        if ceil and (places - 1) * strides[axis] >= low + size:  # no window begins behind the data
            places -= 1
        padded = np.full((*x.shape[:-1], low + size + extent + strides[axis]), -np.inf)
        padded[..., low : low + size] = x
        windows = [
            padded[..., place * strides[axis] :][..., : extent : dilations[axis]].max(-1) for place in range(places)
        ]
        x = np.moveaxis(np.stack(windows, -1), -1, axis + 2)
    return x


def compared(
    size: Sequence[int], kernel: Sequence[int], how: Mapping[str, Sequence[int]], ceil: bool = False
) -> Mended:
    """A pool between four-dimensional views becomes permitted, and its results are those of the definition."""
    shape = (2, 3, *size)
    given = "".join(f", {name} = {list(value)}" for name, value in how.items()) + ", ceil_mode = 1" * ceil
    want = pooled(np.zeros(shape), kernel, how, ceil)
    inside, outside, made = list(shape), [2, 3, prod(size), 1], [2, 3, want.size // 6, 1]
    pool = f"MaxPool <kernel_shape = {list(kernel)}{given}>"
    if len(size) == 2:
        text = f"g (float{inside} x) => (float{list(want.shape)} y) {{ y = {pool} (x) }}"
        case = mended(model(text), NAME)
    else:
        body = f"r = Reshape (x, a)\n m = {pool} (r)\n y = Reshape (m, b)"
        text = f"g (float{outside} x) => (float{made} y) {{ {body} }}"
        case = mended(model(text, {"a": np.array(inside), "b": np.array(made)}), NAME)
        inside = outside
    assert NAME in case.applied, case.reasons
    assert case.weights[1].total == 0
    assert "MaxPool" not in case.operators
    assert case.kinds[0] == "bounded"
    for scale, shift in ((1.0, 0.0), (1.0, -9.0), (100.0, 0.0)):
        x = (scale * np.random.default_rng(3).standard_normal(shape) + shift).astype(np.float32)
        (got,) = run(case.after, {"x": x.reshape(inside)})
        want = pooled(x, kernel, how, ceil).reshape(got.shape)
        np.testing.assert_array_equal(run(case.before, {"x": x.reshape(inside)})[0], want)
        assert np.abs(got - want).max() < 5e-6 * max(scale, -shift)
    return case


@pytest.mark.parametrize(
    ("size", "kernel", "how", "ceil"),
    [
        ((32, 20), (15, 15), {"pads": [7, 7, 7, 7]}, False),
        ((32, 20), (17, 1), {}, False),
        ((40, 40), (25, 31), {"pads": [12, 15, 12, 15]}, False),
        ((40, 40), (20, 16), {"strides": [10, 8], "pads": [3, 0, 2, 5]}, False),
        ((41, 39), (16, 15), {"strides": [7, 3]}, True),
        ((70, 6), (64, 2), {"strides": [2, 2]}, True),
        ((20, 20), (3, 3), {"dilations": [2, 2]}, False),
        ((20, 20), (3, 3), {"dilations": [2, 3], "pads": [2, 1, 2, 2]}, False),
        ((20, 20), (4, 5), {"dilations": [7, 4], "pads": [3, 4, 2, 1], "strides": [2, 3]}, False),
        ((20, 21), (3, 2), {"dilations": [4, 9], "strides": [3, 2]}, True),
        ((30, 30), (17, 9), {"dilations": [1, 3], "pads": [8, 8, 8, 8]}, False),
    ],
)
def test_long_and_dilated_windows(
    size: tuple[int, int], kernel: tuple[int, int], how: dict[str, list[int]], ceil: bool
) -> None:
    case = compared(size, kernel, how, ceil)
    assert mended(case.after, NAME).steps == []


def test_where_a_kernel_is_cheaper_the_channels_stay_as_they_are() -> None:
    """Steps of at most six elements beat an axis of 400 as channels; for a window of 57 they would be eleven."""
    assert "Transpose" not in compared((400, 400), (15, 15), {}).operators
    assert "Transpose" in compared((60, 60), (57, 57), {}).operators


@pytest.mark.parametrize("kind", ["float", "float16"])
def test_a_long_window_in_either_precision(kind: str) -> None:
    text = f"g ({kind}[1,2,24,24] x) => ({kind}[1,2,9,9] y) {{ y = MaxPool <kernel_shape = [16, 16]> (x) }}"
    case = mended(model(text), NAME)
    assert case.applied == [NAME], case.reasons
    assert case.weights[1].total == 0
    assert case.difference() < (5e-6 if kind == "float" else 2e-2)


def test_a_long_axis_is_pooled_by_kernels_alone() -> None:
    """As channels it would take 400 million weights for every step."""
    for case in (compared((20000, 2), (9, 1), {"strides": [2, 1]}), compared((20000,), (9,), {"strides": [2]})):
        assert "Transpose" not in case.operators
        assert sum(array.ByteSize() for array in case.after.graph.initializer) < 10_000


def test_nothing_is_made_up_where_the_sign_is_known() -> None:
    text = """g (float[1,2,12,12] x) => (float[1,2,12,12] y) {
        r = Relu (x)
        y = MaxPool <kernel_shape = [3, 3], dilations = [2, 2], pads = [2, 2, 2, 2]> (r)
    }"""
    case = mended(model(text), NAME)
    solved(case)
    x = np.random.default_rng(3).standard_normal((1, 2, 12, 12)).astype(np.float32)
    want = pooled(np.maximum(x, 0), [3, 3], {"dilations": [2, 2], "pads": [2, 2, 2, 2]})
    assert np.abs(run(case.after, {"x": x})[0] - want).max() < 5e-6


@settings(max_examples=25, deadline=None)
@given(data=st.data(), rank=st.integers(1, 3), ceil=st.booleans())
def test_any_pool(data: st.DataObject, rank: int, ceil: bool) -> None:
    """Windows of up to 20 elements, dilated up to 8, over lines, maps and volumes."""
    each = st.lists(st.integers(1, 4), min_size=rank, max_size=rank)
    kernel = data.draw(st.lists(st.sampled_from([1, 2, 3, 4, 9, 20]), min_size=rank, max_size=rank))
    dilations = [data.draw(st.integers(1, 8 if length < 5 else 2)) for length in kernel]
    extent = [(length - 1) * gap + 1 for length, gap in zip(kernel, dilations, strict=True)]
    size = [length + data.draw(st.integers(0, 5)) for length in extent]
    pads = [data.draw(st.integers(0, min(kernel[axis % rank] - 1, 6))) for axis in range(2 * rank)]
    strides = data.draw(each)
    assume(any(length > 1 for length in kernel))
    for axis in range(rank if ceil else 0):  # the onnx library counts windows behind the data, onnxruntime does not
        span = size[axis] + pads[axis] + pads[axis + rank] - extent[axis]
        assume(-(-span // strides[axis]) * strides[axis] < size[axis] + pads[axis])
    compared(size, kernel, {"strides": strides, "dilations": dilations, "pads": pads}, ceil)


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
