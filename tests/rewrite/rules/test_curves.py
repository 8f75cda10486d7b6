"""Roots, quotients, exponentials, logarithms and activations of them end in permitted layers, within their bounds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from mended import Mended, mended, model, run

NAME = "function-on-range"
DIVISION = "division-to-product"
ALLOWED = {"Add", "Conv", "Mul", "Relu", "Reshape", "Resize", "Sigmoid", "Transpose"}
EXP = np.exp


def case_of(text: str, weights: dict[str, Any] | None = None, opset: int = 18) -> Mended:
    case = mended(model(text, weights, opset))
    assert case.weights[0].total > 0
    assert case.weights[1].total == 0, case.reasons
    assert set(case.operators) <= ALLOWED
    assert mended(case.after).applied == []
    return case


def unit(x: Any, alpha: float, rate: float = 1.0) -> Any:
    """The exponential linear unit."""
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0) * rate))


def softplus(x: Any) -> Any:
    return np.logaddexp(0, x)


FUNCTIONS: dict[str, tuple[str, Callable[[Any], Any], tuple[float, float], float, float]] = {
    "exp": ("Exp (x)", EXP, (-25, 20), 3e-5, 1e-8),
    "log": ("Log (x)", np.log, (1e-12, 1e12), 1e-6, 1.5e-5),
    "sqrt": ("Sqrt (x)", np.sqrt, (0, 1e12), 5e-7, 2.6e-10),
    "reciprocal": ("Reciprocal (x)", lambda x: 1 / x, (1e-12, 1e12), 1e-6, 0),
    "negative": ("Reciprocal (x)", lambda x: 1 / x, (-1e12, -1e-12), 1e-6, 0),
    "softplus": ("Softplus (x)", softplus, (-100, 100), 1e-6, 1e-5),
    "mish": ("Mish (x)", lambda x: x * np.tanh(softplus(x)), (-1e3, 1e3), 2e-6, 1e-5),
    "elu": ("Elu <alpha = 0.7> (x)", lambda x: unit(x, 0.7), (-90, 90), 1e-6, 5e-6),
    "selu": ("Selu (x)", lambda x: 1.0507009873554805 * unit(x, 1.6732632423543772), (-90, 90), 1e-6, 1e-5),
    "celu": ("Celu <alpha = 2.5> (x)", lambda x: unit(x, 2.5, 1 / 2.5), (-90, 90), 1e-6, 2e-5),
    "softsign": ("Softsign (x)", lambda x: x / (1 + abs(x)), (-1e5, 1e5), 1e-6, 0),
    "root": ("Pow (x, half)", np.sqrt, (0, 1e12), 5e-7, 2.6e-10),
    "inverse root": ("Pow (x, minus)", lambda x: x**-0.5, (1e-18, 1e12), 5e-7, 0),
    "cube root": ("Pow (x, third)", lambda x: x ** float(np.float32(1 / 3)), (0, 1e12), 5e-5, 1.1e-4),
    "minus two": ("Pow (x, two)", lambda x: x**-2.0, (1e-12, 1e12), 2e-4, 0),
}  # fmt: skip
EXPONENTS = {"half": 0.5, "minus": -0.5, "third": 1 / 3, "two": -2.0}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_on_their_range(name: str) -> None:
    call, exact, (low, high), relative, absolute = FUNCTIONS[name]
    weights = {key: np.float32(value) for key, value in EXPONENTS.items() if f" {key})" in call}
    case = case_of(f"g (float[1,4,50,10] x) => (float[1,4,50,10] y) {{ y = {call} }}", weights)
    assert case.kinds == ["bounded"]
    straight = np.linspace(low, high, 1000)
    small = max(low, 1e-20) if low >= 0 else 1e-6
    curved = np.geomspace(small, high, 1000) if high > 0 else -np.geomspace(-high, -low, 1000)
    x = np.clip(np.concatenate([straight, curved]).astype(np.float32), np.float32(low), np.float32(high))
    (y,) = run(case.after, {"x": x.reshape(1, 4, 50, 10)})
    want = exact(x.astype(np.float64))
    assert (np.abs(y.reshape(-1) - want) <= relative * np.abs(want) + absolute).all()


@pytest.mark.parametrize("name", ["exp", "log", "sqrt", "reciprocal"])
def test_beyond_the_range_the_result_stays_finite(name: str) -> None:
    case = case_of(f"g (float[1,1,1,6] x) => (float[1,1,1,6] y) {{ y = {FUNCTIONS[name][0]} }}")
    (y,) = run(case.after, {"x": np.array([[[[-1e30, -1e14, 0, 1e-20, 1e14, 1e30]]]], np.float32)})
    assert np.isfinite(y).all()
    limits = next(step.proof.ranges[0] for step in case.steps if step.proof)
    assert "assumed" in str(limits)
    assert "outside" in str(limits)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_beyond_the_range_the_result_is_what_the_claim_says(name: str) -> None:
    """What is asked of a root, or of x / (1 + |x|), grew with x: a part of the program did not know the range."""
    call = FUNCTIONS[name][0]
    weights = {key: np.float32(value) for key, value in EXPONENTS.items() if f" {key})" in call}
    case = case_of(f"g (float[1,1,1,5] x) => (float[1,1,1,5] y) {{ y = {call} }}", weights)
    for limits in (one for step in case.steps if step.proof for one in step.proof.ranges):
        for end, factors in ((limits.high, (1, 3, 10, 1e3, 1e6)), (limits.low, (1, 0.5, 0.1, 1e-3, 0))):
            if end <= 0 or not np.isfinite(end):
                continue
            feed = (end * np.array(factors, np.float64)).astype(np.float32)
            y = run(case.after, {"x": feed.reshape(1, 1, 1, 5)})[0].reshape(-1)
            if "magnitude" in limits.value and end == limits.low:
                assert "falls to zero" in limits.outside
                assert (np.diff(y) < 0).all()
                assert y[-1] == 0
            else:
                assert "near that of the" in limits.outside
                assert (np.abs(y - y[0]) <= 0.1 * np.abs(y[0])).all(), (name, feed, y)


def test_activations_hold_for_all_finite_values() -> None:
    for call in ("Softplus (x)", "Mish (x)", "Elu (x)", "Selu (x)", "Celu (x)"):
        case = case_of(f"g (float[1,1,1,4] x) => (float[1,1,1,4] y) {{ y = {call} }}")
        (proof,) = [step.proof for step in case.steps if step.proof]
        assert proof.ranges == ()
        x = np.array([[[[-1e30, -1e5, 1e5, 1e30]]]], np.float32)
        (got,), (want,) = run(case.after, {"x": x}), run(case.before, {"x": x})
        assert np.allclose(got, want, rtol=1e-6, atol=1e-4 if "Mish" not in call else 1e26)


def test_an_activation_is_zero_at_zero() -> None:
    for call in ("Mish (x)", "Elu (x)", "Selu (x)", "Celu (x)", "Softsign (x)", "Sqrt (x)"):
        case = case_of(f"g (float[1,1,1,2] x) => (float[1,1,1,2] y) {{ y = {call} }}")
        assert not run(case.after, {"x": np.zeros((1, 1, 1, 2), np.float32)})[0].any()


DIVISIONS = {
    "same shape": ("float[1,3,8,9] z", "y = Div (x, z)"),
    "over channels": ("float[1,1,8,9] z", "y = Div (x, z)"),
    "one a channel": ("float[1,3,1,1] z", "a = Sigmoid (z)\n y = Div (x, a)"),
    "a number": ("float[1,3,8,9] z", "a = Abs (z)\n b = Add (a, one)\n q = Div (one, b)\n y = Mul (x, q)"),
    "by a root": ("float[1,1,8,9] z", "q = Mul (z, z)\n b = Add (q, one)\n r = Sqrt (b)\n y = Div (x, r)"),
}


@pytest.mark.parametrize("name", DIVISIONS)
def test_divisions(name: str) -> None:
    given, body = DIVISIONS[name]
    weights = {"one": np.float32(1)} if "one)" in body or "(one" in body else {}
    case = case_of(f"g (float[1,3,8,9] x, {given}) => (float[1,3,8,9] y) {{ {body} }}", weights)
    assert DIVISION in case.applied
    assert case.error() < 1e-6
    proof = next(step.proof for step in case.steps if step.name == DIVISION and step.proof)
    assert proof.kind == "bounded"
    assert (proof.ranges[0].low_source == "derived") == (name in ("a number", "by a root"))


def test_vectors_brought_to_length_one() -> None:
    body = """n = ReduceL2 <axes = [1]> (x)\n c = Clip (n, tiny)\n e = Expand (c, whole)\n y = Div (x, e)"""
    weights = {"tiny": np.float32(1e-12), "whole": np.array([1, 16, 8, 9])}
    case = case_of(f"g (float[1,16,8,9] x) => (float[1,16,8,9] y) {{ {body} }}", weights, 17)
    assert case.error() < 1e-6
    for scale in (1e-2, 30.0):
        assert case.difference(scale) < 1e-6


@pytest.mark.parametrize("call", ["Exp (x)", "Sqrt (x)", "Elu (x)"])
def test_half_precision_is_left_with_a_reason(call: str) -> None:
    case = mended(model(f"g (float16[1,2,3,4] x) => (float16[1,2,3,4] y) {{ y = {call} }}"), NAME)
    assert case.applied == []
    assert "FP16" in case.reasons
