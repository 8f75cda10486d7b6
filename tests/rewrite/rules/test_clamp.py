"""Piecewise linear functions and extrema become sums of Relu."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from mended import Mended, mended, model, normal, run

NAME = "clamp-to-relu"


def clamp(body: str, opset: int = 17, dtype: str = "float", **weights: Any) -> Mended:
    text = f"g ({dtype}[2,3,4,5] x) => ({dtype}[2,3,4,5] y) {{ y = {body} }}"
    return mended(model(text, weights, opset), NAME)


def solved(case: Mended, kind: str, tolerance: float) -> None:
    assert case.applied == [NAME]
    assert case.weights[0].total > 0
    assert case.weights[1].total == 0
    assert case.kinds == [kind]
    assert set(case.operators) <= {"Conv", "Relu", "Add", "Mul"}
    for scale in (1.0, 100.0):
        assert case.difference(scale) <= tolerance * scale
    assert mended(case.after, NAME).steps == []


@pytest.mark.parametrize(
    ("low", "high", "kind"),
    [
        (0, None, "exact"), (0, 6, "bounded"), (-1, 1, "bounded"), (0.1, 0.3, "bounded"), (-1, None, "bounded"),
        (None, 2, "bounded"), (None, 0, "exact"), (0, 0, "exact"), (3, 3, "bounded"),
        (-(2.0**127) * 1.99999, None, "bounded"),
    ],
)  # fmt: skip
def test_clip(low: float | None, high: float | None, kind: str) -> None:
    limits = {name: np.float32(value) for name, value in (("a", low), ("b", high)) if value is not None}
    body = f"Clip (x, {'a' if low is not None else ''}{', b' if high is not None else ''})"
    if low is not None and low < -1e38:
        assert clamp(body, **limits).difference() == pytest.approx(0, abs=1e32)
        return
    solved(clamp(body, **limits), kind, 1e-6)


def test_the_limits_themselves_are_exact_even_for_infinities() -> None:
    case = clamp("Clip (x, a, b)", a=np.float32(-0.3), b=np.float32(5.7))
    x = np.full((2, 3, 4, 5), np.inf, np.float32)
    assert (run(case.after, {"x": x})[0] == np.float32(5.7)).all()
    assert np.abs(run(case.after, {"x": -x})[0] - np.float32(-0.3)).max() < 1e-6
    assert (run(case.after, {"x": np.full_like(x, 1e20)})[0] == np.float32(5.7)).all()


def test_what_is_between_the_limits_stays_as_it_is() -> None:
    """Untrained networks and FP16 have activations far below the last place of 6: none of them is rounded away."""
    for body, low, high in (("Clip (x, a, b)", 0, 6), ("Clip (x, a, b)", -1, 1), ("Min (x, b)", None, 0.5)):
        weights = {"a": low, "b": high} if low is not None else {"b": high}
        case = clamp(body, **{name: np.float32(value) for name, value in weights.items()})
        x = np.geomspace(1e-38, 8e6, 120, dtype=np.float32).reshape(2, 3, 4, 5)
        for sign in (1, -1):
            want = np.clip(sign * x, low, high)
            assert np.array_equal(run(case.after, {"x": sign * x})[0], want)


def test_infinities_that_a_network_makes_end_at_the_limit() -> None:
    text = "g (float[2,3,4,5] x) => (float[2,3,4,5] y) { l = Log (x)\n y = Clip (l, a, b) }"
    case = mended(model(text, {"a": np.float32(-100), "b": np.float32(0)}), NAME)
    assert case.applied == [NAME], case.reasons
    assert (run(case.after, {"x": np.zeros((2, 3, 4, 5), np.float32)})[0] == -100).all()


@pytest.mark.parametrize(
    ("body", "kind", "opset"),
    [
        ("LeakyRelu <alpha = 0.2> (x)", "exact", 17),
        ("LeakyRelu (x)", "exact", 17),
        ("PRelu (x, slope)", "exact", 17),
        ("PRelu (x, one)", "exact", 17),
        ("Abs (x)", "exact", 17),
        ("HardSigmoid (x)", "bounded", 17),
        ("HardSigmoid <alpha = 0.1666667, beta = 0.5> (x)", "bounded", 17),
        ("HardSwish (x)", "bounded", 17),
        ("Max (x, one)", "bounded", 17),
        ("Min (one, x)", "bounded", 17),
        ("Clip <min = -1.0, max = 1.0> (x)", "bounded", 10),
    ],
)
def test_the_others(body: str, kind: str, opset: int) -> None:
    weights = {"slope": normal(3, 1, 1), "one": np.array([0.5], np.float32)}
    solved(clamp(body, opset, **{name: value for name, value in weights.items() if name in body}), kind, 2e-6)


def test_half_precision() -> None:
    solved(clamp("HardSwish (x)", dtype="float16"), "bounded", 4e-3)


@pytest.mark.parametrize("operator", ["Max", "Min"])
def test_extrema_of_two_tensors(operator: str) -> None:
    text = f"g (float[2,3,4,5] a, float[2,3,4,5] b) => (float[2,3,4,5] y) {{ y = {operator} (a, b) }}"
    solved(mended(model(text), NAME), "bounded", 1e-6)


@pytest.mark.parametrize(
    ("body", "weights", "reason"),
    [
        ("Clip (x, a, b)", {"a": np.float32(2), "b": np.float32(1)}, "wrong order"),
        ("PRelu (x, s)", {"s": normal(3, 4, 1)}, "an axis that is not the channels"),
        ("Max (x, c)", {"c": normal(3, 1, 1)}, "not a single number"),
        ("Max (x, x, x)", {}, "more than two"),
    ],
)
def test_refusals_say_why(body: str, weights: dict[str, Any], reason: str) -> None:
    case = clamp(body, **weights)
    assert case.applied == []
    assert reason in case.reasons


def test_a_head_of_low_rank_is_computed_where_it_had_four_dimensions() -> None:
    text = """g (float[2,6,1,1] x) => (float[2,3] y) {
        flat = Flatten (x)
        hidden = Gemm (flat, w)
        active = HardSwish (hidden)
        y = Gemm (active, v)
    }"""
    case = mended(model(text, {"w": normal(6, 5), "v": normal(5, 3)}), NAME, "matmul-to-convolution")
    assert case.weights[1].total == 0
    assert case.operators[0] == "Conv"
    assert case.operators[-2:] == ["Conv", "Reshape"]
    assert case.difference() < 1e-5
