"""Softmax ends as convolutions, sums, products and Relu, within its bound at every scale, masks included."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mended import Mended, bounded_by, mended, model, random_feed, run

NAME = "softmax-to-convolution"
ALLOWED = {"Add", "Conv", "Mul", "Relu", "Reshape", "Sigmoid", "Transpose"}
SCALES = (0.0, 1e-3, 0.1, 1.0, 10.0, 1e3, 1e5)


def softmax(x: Any, axes: tuple[int, ...]) -> Any:
    """In float64; rows of minus infinity only are NaN."""
    powers = np.exp(x.astype(np.float64) - x.max(axis=axes, keepdims=True))
    return powers / powers.sum(axis=axes, keepdims=True)


def held(case: Mended, axes: tuple[int, ...], mask: Any = 0.0, scales: tuple[float, ...] = SCALES) -> None:
    bounded_by(case, NAME, ALLOWED)
    for scale in scales:
        feed = random_feed(case.before, scale)
        got = run(case.after, feed)[0]
        assert np.abs(got - softmax(feed["x"] + mask, axes)).max() < 4e-6, scale
        assert (got >= 0).all()


@pytest.mark.parametrize(
    ("dims", "axis"),
    [
        ((2, 3, 9, 8), -1), ((2, 3, 9, 8), 2), ((2, 7, 3, 4), 1), ((3, 2, 2, 5), 0), ((1, 1, 4, 49), 3),
        ((1, 2, 1, 50), 3), ((1, 1, 2, 784), 3), ((1, 1, 2, 4608), 3), ((2, 2, 3, 4), 1), ((2, 3, 4, 1), 3),
        ((1, 197, 2, 3), 1),
    ],
)  # fmt: skip
def test_any_axis_at_every_scale(dims: tuple[int, ...], axis: int) -> None:
    shape = ",".join(map(str, dims))
    case = mended(model(f"g (float[{shape}] x) => (float[{shape}] y) {{ y = Softmax <axis = {axis}> (x) }}"))
    held(case, (axis % 4,))
    assert not mended(case.after).applied


@settings(max_examples=15, deadline=None)
@given(st.lists(st.integers(1, 6), min_size=4, max_size=4), st.integers(-4, 3), st.sampled_from([11, 12, 13, 17]))
def test_any_shape(dims: list[int], axis: int, opset: int) -> None:
    shape = ",".join(map(str, dims))
    text = f"g (float[{shape}] x) => (float[{shape}] y) {{ y = Softmax <axis = {axis}> (x) }}"
    axes = (axis % 4,) if opset >= 13 else tuple(range(axis % 4, 4))
    held(mended(model(text, opset=opset)), axes, scales=(1.0, 30.0))


def test_the_default_axis_of_old_operator_sets() -> None:
    text = "g (float[2,3,2,4] x) => (float[2,3,2,4] y) { y = Softmax (x) }"
    held(mended(model(text, opset=11)), (1, 2, 3))
    held(mended(model(text, opset=13)), (3,))


def test_equal_entries_and_single_peaks() -> None:
    case = mended(model("g (float[1,1,6,49] x) => (float[1,1,6,49] y) { y = Softmax (x) }"))
    x = np.zeros((1, 1, 6, 49), np.float32)
    x[0, 0, 1] = 1e5
    x[0, 0, 2] = -1e5
    x[0, 0, 3, 7] = 90000
    x[0, 0, 4, 7] = -90000
    x[0, 0, 5] = np.linspace(-40, 0, 49)
    got = run(case.after, {"x": x})[0]
    assert np.abs(got - softmax(x, (3,))).max() < 4e-6
    beyond = run(case.after, {"x": x * np.float32(1e10)})[0]
    assert ((beyond >= 0) & (beyond <= 1.001)).all()


def test_a_prime_number_of_entries_beyond_the_widest_convolution_is_left() -> None:
    case = mended(model("g (float[1,1,2,2309] x) => (float[1,1,2,2309] y) { y = Softmax (x) }"))
    assert "2309" in case.reasons


@pytest.mark.parametrize("kind", ["float16", "double"])
def test_other_types_are_left(kind: str) -> None:
    case = mended(model(f"g ({kind}[1,1,2,9] x) => ({kind}[1,1,2,9] y) {{ y = Softmax (x) }}"))
    assert not case.applied
    assert case.reasons


LOWEST = [-np.inf, float(np.finfo(np.float32).min), -1e30, -1e9, -1e5]


def windows() -> Any:
    """Which of 9 entries each of 9 rows sees; every row sees its own."""
    near = np.abs(np.arange(9)[:, None] - np.arange(9)) < 3
    return np.stack([near, near | (np.arange(9) > 5), np.ones((9, 9), bool), np.eye(9, dtype=bool)])[:, None]


@pytest.mark.parametrize("low", LOWEST)
@pytest.mark.parametrize(
    "spelling", ["a = Add (x, mask)", "a = Add (mask, x)", "a = Where (hidden, low, x)", "a = Where (seen, x, low)"]
)
def test_a_constant_mask_is_lowered_only_as_far_as_needed(low: float, spelling: str) -> None:
    text = f"g (float[4,2,9,9] x) => (float[4,2,9,9] y) {{\n {spelling}\n y = Softmax (a)\n}}"
    mask = np.where(windows(), 0, low).astype(np.float32)
    stored = {"mask": mask, "hidden": ~windows(), "seen": windows(), "low": np.float32(low)}
    used = {name: array for name, array in stored.items() if name in spelling}
    case = mended(model(text, used))
    held(case, (3,), mask, (0.1, 1.0, 10.0, 1e3))
    got = run(case.after, random_feed(case.before, 10.0))[0]
    assert got[np.broadcast_to(~windows(), got.shape)].max() < 1e-12


@pytest.mark.parametrize("low", [-np.inf, -1e9])
def test_a_row_that_sees_nothing_is_left(low: float) -> None:
    mask = np.where(windows(), 0, low).astype(np.float32)
    mask[1, 0, 4] = low
    text = "g (float[4,2,9,9] x) => (float[4,2,9,9] y) {\n a = Add (x, mask)\n y = Softmax (a)\n}"
    case = mended(model(text, {"mask": mask}), NAME)
    assert "leaves no entry" in case.reasons


def test_a_computed_mask_is_clamped() -> None:
    text = """g (float[1,2,9,9] x, float[1,2,9,9] hidden) => (float[1,2,9,9] y) {
        low = Mul (hidden, number)
        a = Add (x, low)
        y = Softmax (a)
    }"""
    case = mended(model(text, {"number": np.float32(-1e9)}))
    assert case.weights[1].total == 0
    feed = random_feed(case.before)
    feed["hidden"] = (np.broadcast_to(~windows()[:1], (1, 2, 9, 9))).astype(np.float32)
    assert np.abs(run(case.after, feed)[0] - run(case.before, feed)[0]).max() < 4e-6
    case = mended(model(text, {"number": np.finfo(np.float32).min}), NAME)
    assert "mixed into the scores" in case.reasons


@pytest.mark.parametrize(("dims", "axis"), [((1, 2, 6, 5), 1), ((2, 3, 5, 2), 3), ((1, 2, 1, 1), 1), ((1, 1, 5, 5), 1)])
@pytest.mark.parametrize("scale", [0.0, 0.1, 1.0, 5.0, 1e3])
def test_two_entries_in_half_precision(dims: tuple[int, ...], axis: int, scale: float) -> None:
    """A sigmoid of a difference that is rounded once: within two units in the last place of 1."""
    shape = ",".join(map(str, dims))
    case = mended(model(f"g (float16[{shape}] x) => (float16[{shape}] y) {{ y = Softmax <axis = {axis}> (x) }}"))
    bounded_by(case, NAME, ALLOWED)
    feed = random_feed(case.before, scale)
    assert np.abs(run(case.after, feed)[0] - softmax(feed["x"], (axis,))).max() < 2.0**-10


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("g (float16[1,3,4,5] x) => (float16[1,3,4,5] y) { y = Softmax <axis = 1> (x) }", "more than two entries"),
        ("g (float16[1,2,4,5] x) => (float16[1,2,4,5] y) { m = Add (x, c)\n y = Softmax <axis = 1> (m) }", "masks"),
        ("g (double[1,2,4,5] x) => (double[1,2,4,5] y) { y = Softmax <axis = 1> (x) }", "DOUBLE"),
    ],
)
def test_what_half_precision_leaves(text: str, words: str) -> None:
    mask = np.where(np.arange(20).reshape(1, 1, 4, 5) % 3, 0, -6e4) * np.array([0, 1]).reshape(1, 2, 1, 1)
    case = mended(model(text, {"c": mask.astype(np.float16)} if "c)" in text else {}), NAME)
    assert case.applied == []
    assert words in case.reasons
