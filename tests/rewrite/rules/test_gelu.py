"""Gelu in every spelling that exporters write becomes a gate of Sigmoid within its bound."""

from __future__ import annotations

import math

import numpy as np
import pytest
from mended import Mended, mended, model, run

from safecheck.rewrite.rules.gelu import FIT, LOGIT_OF_PHI

NAME = "gelu-to-sigmoid"
ROOT = np.float32(math.sqrt(2))
ERF = {
    "torch": "d = Div (x, root)\n e = Erf (d)\n o = Add (e, one)\n m = Mul (x, o)\n y = Mul (m, half)",
    "half first": "h = Mul (x, half)\n d = Mul (x, inverse)\n e = Erf (d)\n o = Add (one, e)\n y = Mul (h, o)",
    "half inside": "d = Div (x, root)\n e = Erf (d)\n h = Mul (e, half)\n o = Add (h, half)\n y = Mul (o, x)",
    "halved last": "d = Div (x, root)\n e = Erf (d)\n o = Add (e, one)\n m = Mul (x, o)\n y = Div (m, two)",
}
CUBIC = {
    "pow": "c = Pow (x, three)\n k = Mul (c, k3)\n s = Add (x, k)\n u = Mul (s, k1)",
    "products": "q = Mul (x, x)\n c = Mul (q, x)\n k = Mul (k3, c)\n s = Add (k, x)\n u = Mul (k1, s)",
    "factored": "q = Mul (x, x)\n k = Mul (q, k3)\n o1 = Add (k, one)\n s = Mul (x, o1)\n u = Mul (s, k1)",
}
CONSTANTS = {
    "root": ROOT, "inverse": np.float32(1 / math.sqrt(2)), "one": np.float32(1), "half": np.float32(0.5),
    "two": np.float32(2), "three": np.float32(3), "k3": np.float32(0.044715), "k1": np.float32(math.sqrt(2 / math.pi)),
}  # fmt: skip


def gate(body: str, opset: int = 17, shape: str = "[2,3,4,5]", dtype: str = "float") -> Mended:
    kind = np.float16 if dtype == "float16" else np.float32
    used = {name: np.asarray(value, kind) for name, value in CONSTANTS.items() if name in body.replace("(", " ")}
    used = {name: value for name, value in used.items() if any(f"{mark}{name}" in body for mark in (" ", "("))}
    text = f"g ({dtype}{shape} x) => ({dtype}{shape} y) {{ {body} }}"
    return mended(model(text, used, opset), NAME)


def solved(case: Mended, tolerance: float = 3e-7) -> None:
    assert case.applied == [NAME]
    assert case.weights[0].total > 0
    assert case.weights[1].total == 0
    assert case.kinds == ["bounded"]
    assert set(case.operators) <= {"Conv", "Mul", "Sigmoid"}
    for scale in (0.1, 1.0, 10.0):
        assert case.difference(scale) < tolerance * max(1.0, 4 * scale)
    assert mended(case.after, NAME).steps == []


@pytest.mark.parametrize("spelling", ERF)
def test_every_spelling_with_erf(spelling: str) -> None:
    solved(gate(ERF[spelling]))


@pytest.mark.parametrize("spelling", CUBIC)
def test_every_spelling_with_tanh(spelling: str) -> None:
    body = f"{CUBIC[spelling]}\n t = Tanh (u)\n o = Add (t, one)\n m = Mul (x, o)\n y = Mul (m, half)"
    case = gate(body)
    solved(case)
    assert case.operators == ["Mul", "Conv", "Mul", "Sigmoid", "Mul"]


@pytest.mark.parametrize("form", ["none", "tanh"])
def test_the_operator(form: str) -> None:
    solved(gate(f'y = Gelu <approximate = "{form}"> (x)', opset=20))


def test_half_precision() -> None:
    solved(gate(ERF["torch"], dtype="float16"), 3e-3)


@pytest.mark.parametrize("operator", ["Tanh", "Erf"])
def test_alone_it_has_an_absolute_error(operator: str) -> None:
    case = gate(f"y = {operator} (x)")
    assert case.applied == [NAME]
    assert case.weights[1].total == 0
    for scale in (1e-3, 1.0, 100.0):
        assert case.difference(scale) < 1e-6


def test_what_only_looks_like_gelu_is_not_taken_for_it() -> None:
    wrong = ERF["torch"].replace("Add (e, one)", "Add (e, half)")
    case = gate(wrong)
    assert case.difference() < 1e-5  # erf alone is replaced
    assert "Add" in case.operators
    assert gate(ERF["torch"].replace("Div (x, root)", "Div (x, two)")).difference() < 1e-5


def test_wide_channels_are_seen_in_parts() -> None:
    case = gate(ERF["torch"], shape="[1,4608,1,2]")
    assert case.weights[1].total == 0
    assert case.difference() < 1e-6


def test_an_open_shape_is_refused() -> None:
    assert "not fixed" in gate("y = Tanh (x)", shape="[n,3,4,5]").reasons


@pytest.mark.parametrize("dtype", ["FLOAT", "FLOAT16"])
def test_the_fit_is_as_good_as_claimed(dtype: str) -> None:
    kind = np.float16 if dtype == "FLOAT16" else np.float32
    x = np.linspace(-40, 40, 80001)
    coefficients = np.array(LOGIT_OF_PHI).astype(kind).astype(np.float64)
    p = sum(c * (x / 4) ** (2 * k + 1) for k, c in enumerate(coefficients))
    with np.errstate(over="ignore"):
        gated = 1 / (1 + np.exp(-p))
    phi = np.array([0.5 * math.erfc(-value / math.sqrt(2)) for value in x])
    worst = float(np.abs(gated - phi).max())
    assert 0.9 * FIT[dtype] < worst < FIT[dtype]
    assert (np.diff(p) > 0).all()


def test_it_saturates_far_out() -> None:
    case = gate("y = Gelu (x)", opset=20, shape="[1,1,1,4]")
    x = np.array([1e4, 1e15, -1e4, -30], np.float32).reshape(1, 1, 1, 4)
    (y,) = run(case.after, {"x": x})
    assert (np.abs(y - np.maximum(x, 0)) <= 1e-7 * np.abs(x)).all()
