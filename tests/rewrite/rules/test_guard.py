"""Guards of exported attention go where nothing can be NaN, and stay where it can."""

from __future__ import annotations

import numpy as np
import pytest
from mended import mended, model

NAME = "drop-needless-guard"


def guarded(body: str, mask: float = 0.0) -> str:
    return f"""g (float[1,2,4,5] x) => (float[1,2,4,5] y) {{
        a = Add (x, mask)
        s = Softmax (a)
        bad = IsNaN (s)
        {body}
    }}"""


@pytest.mark.parametrize("body", ["y = Where (bad, zero, s)", "fine = Not (bad)\n y = Where (fine, s, zero)"])
@pytest.mark.parametrize("low", [-1.0, -1e9, -np.inf])
def test_the_guard_of_a_softmax_that_is_never_nan(body: str, low: float) -> None:
    mask = np.where(np.arange(5) > 2, low, 0).astype(np.float32)
    case = mended(model(guarded(body), {"mask": mask, "zero": np.float32(0)}))
    assert case.applied[0] == NAME
    assert case.weights[1].total == 0
    assert case.difference() < 4e-6


def test_a_row_without_entries_keeps_its_guard() -> None:
    mask = np.where(np.arange(4)[:, None] == 1, -np.inf, np.zeros((4, 5))).astype(np.float32)
    case = mended(model(guarded("y = Where (bad, zero, s)"), {"mask": mask, "zero": np.float32(0)}), NAME)
    assert not case.applied
    assert "may be needed" in case.reasons


@pytest.mark.parametrize(
    "body",
    [
        "s = Sigmoid (x)",
        "p = Sigmoid (x)\n q = Abs (x)\n r = Add (q, one)\n s = Div (p, r)",
        "p = Sigmoid (x)\n s = Transpose <perm = [0, 1, 3, 2]> (p)",
    ],
)
def test_the_guard_of_what_is_never_nan_goes(body: str) -> None:
    text = f"g (float[1,2,4,4] x) => (float[1,2,4,4] y) {{\n {body}\n bad = IsNaN (s)\n y = Where (bad, zero, s)\n}}"
    case = mended(model(text, {"zero": np.float32(0), "one": np.float32(1)}), NAME)
    assert case.applied == [NAME]
    assert case.difference() == 0


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("s = Log (x)", "NaN can be made"),
        ("p = Exp (x)\n q = Log (x)\n s = Mul (p, q)", "NaN can be made"),
        ("s = Identity (x)", "what is fed"),
        ("s = Transpose <perm = [0, 1, 3, 2]> (x)", "what is fed"),
    ],
)
def test_what_may_be_nan_keeps_its_guard(body: str, reason: str) -> None:
    text = f"g (float[1,2,4,4] x) => (float[1,2,4,4] y) {{\n {body}\n bad = IsNaN (s)\n y = Where (bad, zero, s)\n}}"
    case = mended(model(text, {"zero": np.float32(0)}), NAME)
    assert not case.applied
    assert reason in case.reasons
