"""DOUBLE between values of FLOAT becomes FLOAT, where samples show no difference that counts."""

from __future__ import annotations

import numpy as np
import pytest
from mended import RESTRICTED, SAFETY_10, mended, model, normal

SINGLE = "compute-in-single"
TAIL = """g (float[1,3,8,8] x) => (float[1,3,8,8] y) {
    a = Sigmoid (x) d = Cast <to = 11> (a) e = Mul (d, k) f = Add (e, d) h = Mul (f, v) y = Cast <to = 1> (h)
}"""


@pytest.mark.parametrize("target", [RESTRICTED, SAFETY_10])
def test_a_tail_that_an_exporter_made_of_a_number_of_numpy(target: str) -> None:
    weights = {"k": np.float64(1 / 3), "v": normal(1, 3, 1, 1, dtype=np.float64)}
    case = mended(model(TAIL, weights), profile_id=target)
    assert SINGLE in case.applied
    assert "Cast" not in case.operators
    assert case.weights[0].forbidden == 5
    assert case.weights[1].total == 0
    assert case.error() < 1e-6
    assert not mended(case.after, profile_id=target).applied


def test_an_output_in_double_keeps_its_type() -> None:
    text = "g (float[1,3,8,8] x) => (double[1,3,8,8] y) { d = Cast <to = 11> (x) e = Mul (d, k) y = Add (e, d) }"
    case = mended(model(text, {"k": np.float64(1 / 3)}), SINGLE)
    assert case.applied == [SINGLE]
    assert case.operators == ["Mul", "Add", "Cast"]
    assert case.weights[1].forbidden == 1 < case.weights[0].forbidden
    assert case.error() < 1e-6


@pytest.mark.parametrize(
    ("there", "back", "constant"),
    [("Add", "Sub", 1e9), ("Mul", "Div", 1e300)],
    ids=["digits that FLOAT has no room for", "numbers beyond its range"],
)
def test_what_only_double_holds_is_not_given_up(there: str, back: str, constant: float) -> None:
    """A large constant is put in and taken out again: in FLOAT nothing of the data would be left."""
    text = f"""g (float[1,3,8,8] x) => (float[1,3,8,8] y) {{
        d = Cast <to = 11> (x) e = {there} (d, k) f = {back} (e, k) y = Cast <to = 1> (f)
    }}"""
    case = mended(model(text, {"k": np.float64(constant)}), SINGLE)
    assert not case.applied
    assert "the proof failed" in case.reasons
