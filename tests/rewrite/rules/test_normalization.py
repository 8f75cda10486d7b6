"""Normalisations end in permitted layers, within their bound at scales from 0.001 to 300 and on constant rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mended import Mended, mended, model, normal, run, samples, standardised

from safecheck.rewrite.algebra.approximate import Approximation, newton, segments
from safecheck.rewrite.algebra.plane import Plane

NAMES = ("fuse-layer-normalization", "normalization-to-newton")
ALLOWED = {"Add", "Conv", "Mul", "Relu", "Reshape", "Transpose"}
SCALES = (1e-3, 1e-2, 1.0, 30.0, 300.0)


def solved(case: Mended) -> None:
    assert case.applied[-1] == NAMES[1]
    assert case.weights[1].total == 0
    assert set(case.operators) <= ALLOWED
    proofs = [step.proof for step in case.steps if step.proof is not None]
    assert proofs[-1].kind == "bounded"
    assert proofs[-1].difference.max_rel < 2e-6
    assert mended(case.after, *NAMES).steps == []


def layer_norm(shape: tuple[int, ...], axis: int, operator: str = "LayerNormalization", opset: int = 17) -> Any:
    dims = ",".join(map(str, shape))
    weights = {"s": 1 + 0.1 * normal(*shape[axis:])}
    if operator == "LayerNormalization":
        weights["b"] = 0.1 * normal(*shape[axis:], seed=2)
    given_ = ", ".join(["x", *weights])
    text = f"g (float[{dims}] x) => (float[{dims}] y) {{ y = {operator} <axis = {axis}, epsilon = 1e-6> ({given_}) }}"
    return model(text, weights, opset), weights


@pytest.mark.parametrize(
    ("shape", "axis"),
    [
        ((1, 7, 7, 96), 3), ((2, 5, 6, 768), 3), ((1, 4, 8, 3), 2), ((1, 3, 4, 5), 1), ((1, 6, 5, 1), 3),
        ((3, 1, 2, 7), 3), ((1, 3, 1, 3072), 3), ((2, 4, 30, 40), 1),
    ],
)  # fmt: skip
def test_layer_normalization(shape: tuple[int, ...], axis: int) -> None:
    proto, weights = layer_norm(shape, axis)
    case = mended(proto, *NAMES)
    solved(case)
    for scale in SCALES:
        x = samples(shape, scale)
        want = standardised(x, tuple(range(axis, len(shape))), 1e-6) * weights["s"] + weights["b"]
        (got,) = run(case.after, {"x": x})
        assert np.abs(got - want).max() < 2e-6 * np.abs(want).max()


@pytest.mark.parametrize("width", [24, 32, 96])
def test_below_the_normal_numbers_a_mean_is_off_by_the_smallest_for_every_term(width: int) -> None:
    """A new layer has the scale 1 and the bias 0, which hides nothing."""
    weights = {"s": np.ones(width, np.float32), "b": np.zeros(width, np.float32)}
    text = f"g (float[1,4,16,{width}] x) => (float[1,4,16,{width}] y) {{ y = LayerNormalization (x, s, b) }}"
    solved(mended(model(text, weights), *NAMES))


def test_root_mean_square_normalization() -> None:
    shape = (2, 3, 4, 48)
    proto, weights = layer_norm(shape, 3, "RMSNormalization", 23)
    case = mended(proto, *NAMES)
    solved(case)
    for scale in SCALES:
        x = samples(shape, scale)
        want = standardised(x, (3,), 1e-6, centred=False) * weights["s"]
        assert np.abs(run(case.after, {"x": x})[0] - want).max() < 2e-6 * np.abs(want).max()


SPELLINGS = {
    "division": "q = Pow (d, two)\n v = {mean} (q{axes})\n e = Add (v, eps)\n r = Sqrt (e)\n n = Div (d, r)",
    "product": "q = Mul (d, d)\n v = {mean} (q{axes})\n e = Add (eps, v)\n r = Sqrt (e)\n i = Reciprocal (r)\n"
    " n = Mul (d, i)",
    "power": "q = Mul (d, d)\n v = {mean} (q{axes})\n e = Add (v, eps)\n r = Pow (e, minus)\n n = Mul (r, d)",
}  # fmt: skip


@pytest.mark.parametrize("opset", [11, 13, 17, 18])
@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("axis", [1, 3])
def test_written_out_in_every_operator_set(spelling: str, opset: int, axis: int) -> None:
    mean, axes = ("ReduceMean", ", axes") if opset >= 18 else (f"ReduceMean <axes = [{axis}]>", "")
    body = f"m = {mean} (x{axes})\n d = Sub (x, m)\n {SPELLINGS[spelling].format(mean=mean, axes=axes)}"
    shape = (1, 8, 5, 6)
    column = (shape[axis], 1, 1) if axis == 1 else (shape[axis],)
    weights = {
        "two": np.float32(2), "minus": np.float32(-0.5), "eps": np.float32(1e-5),
        "axes": np.array([axis]), "s": 1 + 0.1 * normal(*column), "b": 0.1 * normal(*column, seed=2),
    }  # fmt: skip
    text = f"g (float[1,8,5,6] x) => (float[1,8,5,6] y) {{ {body}\n t = Mul (n, s)\n y = Add (t, b) }}"
    used = {name: value for name, value in weights.items() if f"{name})" in text or f"({name}" in text}
    case = mended(model(text, used, opset), *NAMES)
    solved(case)
    for scale in SCALES:
        x = samples(shape, scale)
        want = standardised(x, (axis,), 1e-5) * weights["s"] + weights["b"]
        assert np.abs(run(case.after, {"x": x})[0] - want).max() < 2e-6 * np.abs(want).max()


def test_tokens_between_convolutions() -> None:
    text = """g (float[1,8,4,6] x) => (float[1,8,4,6] y) {
        a = Reshape (x, tokens)\n t = Transpose <perm = [0, 2, 1]> (a)
        n = LayerNormalization <epsilon = 1e-5> (t, s, b)
        u = Transpose <perm = [0, 2, 1]> (n)\n y = Reshape (u, map) }"""
    weights = {
        "tokens": np.array([1, 8, 24]), "map": np.array([1, 8, 4, 6]), "s": 1 + 0.1 * normal(8), "b": normal(8, seed=2),
    }  # fmt: skip
    case = mended(model(text, weights), *NAMES)
    solved(case)
    assert "Transpose" not in case.operators
    assert case.error() < 1e-6


def test_a_constant_row_becomes_the_bias() -> None:
    proto, weights = layer_norm((1, 2, 3, 32), 3)
    case = mended(proto, *NAMES)
    for level in (0.0, 1e-20, 0.5, -8.0):
        (got,) = run(case.after, {"x": np.full((1, 2, 3, 32), level, np.float32)})
        assert np.abs(got - weights["b"]).max() < 1e-3 * max(1.0, abs(level))


def test_a_program_that_is_not_good_enough_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def rough(plane: Plane, value: str, low: float, high: float, below: bool = True) -> Approximation:
        plan = newton(-0.5, low, high, 2.0**-24)
        return Approximation(segments(plane, value, plan.knots, plan.values), plan.relative)

    monkeypatch.setattr("safecheck.rewrite.algebra.deviation.inverse_root", rough)
    proto, _ = layer_norm((1, 2, 3, 32), 3)
    case = mended(proto, *NAMES)
    assert case.applied == []
    assert "exceeds the derived bound" in case.reasons


def test_beyond_the_range_it_stays_finite_and_says_where_that_is() -> None:
    proto, _ = layer_norm((1, 2, 3, 32), 3)
    case = mended(proto, *NAMES)
    for scale in (1e4, 1e8, 1e15):
        assert np.isfinite(run(case.after, {"x": samples((1, 2, 3, 32), scale)})[0]).all()
    (limits,) = next(step.proof.ranges for step in case.steps if step.proof)
    assert limits.low == np.float32(1e-6)
    assert limits.high == 1e6
    assert (limits.low_source, limits.high_source) == ("derived", "assumed")


@settings(max_examples=15, deadline=None)
@given(st.integers(2, 40), st.floats(-2.5, 2.4), st.integers(0, 9))
def test_at_any_scale_and_width(count: int, power: float, seed: int) -> None:
    proto, weights = layer_norm((1, 2, 3, count), 3)
    case = mended(proto, *NAMES)
    x = samples((1, 2, 3, count), 10**power, seed)
    want = standardised(x, (3,), 1e-6) * weights["s"] + weights["b"]
    assert np.abs(run(case.after, {"x": x})[0] - want).max() < 1e-5 * np.abs(want).max()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("g (float16[1,2,3,4] x) => (float16[1,2,3,4] y) { y = LayerNormalization (x, h) }", "keep this part in FP32"),
        ("g (float[1,2,3,2503] x) => (float[1,2,3,2503] y) { y = LayerNormalization (x, w) }", "not 128 parts"),
        ("g (float[n,2,3,4] x) => (float[n,2,3,4] y) { y = LayerNormalization (x, s) }", "not fixed"),
        ("g (float[1,2,3,4] x, float[4] c) => (float[1,2,3,4] y) { y = LayerNormalization (x, c) }", "is computed"),
        ("g (float[1,2,3,4] x) => (float[1,2,3,4] y, float[1,2,3,1] m)"
         " { y, m = LayerNormalization (x, s) }", "as well"),
    ],
)  # fmt: skip
def test_what_it_leaves_and_why(text: str, words: str) -> None:
    weights = {"h": np.ones(4, np.float16), "w": np.ones(2503, np.float32), "s": np.ones(4, np.float32)}
    used = {name: value for name, value in weights.items() if f"{name})" in text}
    case = mended(model(text, used), *NAMES)
    assert case.applied == []
    assert words in case.reasons
