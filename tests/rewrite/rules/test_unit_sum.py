"""LpNormalization with p = 1 ends in permitted layers, within its bound, and leaves rows of zeros at zero."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mended import Mended, mended, model, run

from safecheck.rewrite.graph import MutableGraph
from safecheck.rewrite.ranges import Ranges
from safecheck.rewrite.rules.normalization import NormalizationToNewton

NAME = "normalization-to-newton"
ALLOWED = {"Add", "Conv", "Mul", "Relu", "Reshape", "Transpose"}


def text(shape: tuple[int, ...], axis: int, kind: str = "float") -> str:
    dims = ",".join(map(str, shape))
    return f"g ({kind}[{dims}] x) => ({kind}[{dims}] y) {{ y = LpNormalization <axis = {axis}, p = 1> (x) }}"


def solved(shape: tuple[int, ...], axis: int) -> Mended:
    case = mended(model(text(shape, axis)), NAME)
    assert case.applied == [NAME], case.reasons
    assert case.weights[1].total == 0
    assert set(case.operators) <= ALLOWED
    assert case.kinds == ["bounded"]
    assert mended(case.after, NAME).steps == []
    return case


def shares(x: Any, axis: int) -> Any:
    """Each element over the sum of the magnitudes, in float64; nothing of nothing is nothing."""
    total = np.abs(x.astype(np.float64)).sum(axis, keepdims=True)
    return np.divide(x, total, out=np.zeros(x.shape), where=total > 0)


@pytest.mark.parametrize(
    ("shape", "axis"),
    [
        ((1, 8, 5, 6), 1), ((2, 5, 6, 32), 3), ((2, 5, 6, 32), -1), ((1, 3, 40, 5), 2), ((3, 4, 2, 5), 0),
        ((1, 1, 4, 4), 1), ((1, 3072, 2, 3), 1), ((40, 2, 3, 4), 2),
    ],
)  # fmt: skip
@pytest.mark.parametrize("scale", [1e-8, 1e-2, 1.0, 300.0, 1e6])
def test_every_axis_at_every_scale(shape: tuple[int, ...], axis: int, scale: float) -> None:
    case = solved(shape, axis)
    x = (scale * np.random.default_rng(5).standard_normal(shape)).astype(np.float32)
    x[(0,) * (axis % len(shape)) + (slice(None),) + (0,) * (len(shape) - axis % len(shape) - 1)] = 0
    (got,) = run(case.after, {"x": x})
    want = shares(x, axis)
    assert (np.abs(got - want) <= 2e-6 * np.abs(want) + 1e-12).all()
    assert np.abs(got - run(case.before, {"x": x})[0]).max() < 1e-6
    assert np.abs(got).max() <= 1 + 1e-5


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(1, 7), min_size=4, max_size=4), st.integers(-4, 3), st.integers(-9, 8), st.integers(0, 9))
def test_any_shape(shape: list[int], axis: int, power: int, seed: int) -> None:
    case = solved(tuple(shape), axis)
    x = (10.0**power * np.random.default_rng(seed).standard_normal(shape)).astype(np.float32)
    want = shares(x, axis)
    assert (np.abs(run(case.after, {"x": x})[0] - want) <= 2e-6 * np.abs(want) + 1e-12).all()


def test_outside_the_range_it_stays_finite_and_small() -> None:
    case = solved((1, 8, 5, 6), 1)
    (limits,) = next(step.proof.ranges for step in case.steps if step.proof)
    assert (limits.low, limits.high) == (1e-12, 1e12)
    for scale in (1e-30, 1e15, 1e20):
        x = (scale * np.random.default_rng(5).standard_normal((1, 8, 5, 6))).astype(np.float32)
        assert np.isfinite(run(case.after, {"x": x})[0]).all()


def test_a_measured_range_is_that_of_the_sums() -> None:
    """Of rows of 8 elements between 1 and 2 the sums are between 8 and 16, and stay so when widened four times."""
    body = "r = Relu (x)\n y = LpNormalization <axis = 1, p = 1> (r)"
    graph = MutableGraph(model(f"g (float[1,8,5,6] x) => (float[1,8,5,6] y) {{ {body} }}"))
    x = np.random.default_rng(5).uniform(1, 2, (1, 8, 5, 6)).astype(np.float32)
    graph.memo(Ranges).open(lambda: [{"x": x}], [NormalizationToNewton()])
    match = NormalizationToNewton().match(graph, graph.nodes[1])
    assert match is not None
    (limits,) = match.candidates[0].claim.ranges
    sums = x.sum(1, dtype=np.float64)
    assert limits.low == pytest.approx(sums.min() / 4)
    assert limits.high == pytest.approx(sums.max() * 4)
    assert (limits.low_source, limits.high_source) == ("measured", "measured")


@pytest.mark.parametrize(
    ("graph", "words"),
    [
        (text((1, 2, 3, 4), 1, "float16"), "keep it in FP32"),
        (text((1, 2503, 3, 4), 1), "not 128 parts"),
        (text((1, 2, 3, 4), 1).replace("[1,", "[n,"), "not fixed"),
    ],
)
def test_what_it_leaves_and_why(graph: str, words: str) -> None:
    case = mended(model(graph), NAME)
    assert case.applied == []
    assert words in case.reasons


SPELLINGS = {
    "sum": "n = ReduceL1 <axes = [1]> (x)\n y = Div (x, n)",
    "maximum": "n = ReduceL1 <axes = [1]> (x)\n m = Max (n, e)\n y = Div (x, m)",
    "clamped": "n = ReduceL1 <axes = [1]> (x)\n m = Clip (n, e)\n s = Shape (x)\n q = Expand (m, s)\n y = Div (x, q)",
    "epsilon": "a = Abs (x)\n n = ReduceSum (a, axes)\n m = Add (n, e)\n y = Div (x, m)",
}


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e4])
def test_written_out(spelling: str, scale: float) -> None:
    """As PyTorch's normalize with p = 1 is exported, and as it is written by hand."""
    weights = {"e": np.float32(1e-12), "axes": np.array([1])}
    used = {name: value for name, value in weights.items() if f", {name})" in SPELLINGS[spelling]}
    case = mended(model(f"g (float[2,8,5,6] x) => (float[2,8,5,6] y) {{ {SPELLINGS[spelling]} }}", used))
    assert case.weights[1].total == 0, case.reasons
    assert set(case.operators) <= ALLOWED | {"Resize"}
    x = (scale * np.random.default_rng(5).standard_normal((2, 8, 5, 6))).astype(np.float32)
    want = shares(x, 1)
    assert (np.abs(run(case.after, {"x": x})[0] - want) <= 4e-6 * np.abs(want)).all()
