"""Recurrent operators of fixed length, written out round by round."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from mended import Mended, mended, model, normal

WRITTEN = "write-out-recurrence"
GATES = {"GRU": 3, "LSTM": 4, "RNN": 1}
STEPS, BATCH, INPUTS, HIDDEN = 5, 2, 3, 4


def recurrent(op_type: str, attributes: str, directions: int, start: bool = False, results: int = 2) -> Mended:
    """Every result is read, and so are states that the network hands in."""
    sizes = {
        "y": [STEPS, directions, BATCH, HIDDEN], "h": [directions, BATCH, HIDDEN], "c": [directions, BATCH, HIDDEN]
    }  # fmt: skip
    names = ["y", "h", "c"][:results]
    state = f"float{sizes['h']}"
    cell = op_type == "LSTM"
    given = f", {state} h0" + (f", {state} c0" if cell else "") if start else ""
    operands = ", , h0" + (", c0" if cell else "") if start else ""
    outputs = ", ".join(f"float{sizes[name]} {name}" for name in names)
    gates = GATES[op_type]
    weights: dict[str, Any] = {
        "w": normal(directions, gates * HIDDEN, INPUTS, seed=1) * np.float32(0.5),
        "r": normal(directions, gates * HIDDEN, HIDDEN, seed=2) * np.float32(0.5),
        "b": normal(directions, 2 * gates * HIDDEN, seed=3) * np.float32(0.5),
    }
    text = f"""g (float[{STEPS},{BATCH},{INPUTS}] x{given}) => ({outputs}) {{
        {", ".join(names)} = {op_type} <hidden_size = {HIDDEN}{attributes}> (x, w, r, b{operands})
    }}"""
    return mended(model(text, weights), WRITTEN)


@pytest.mark.parametrize("op_type", sorted(GATES))
@pytest.mark.parametrize(("direction", "count"), [("forward", 1), ("reverse", 1), ("bidirectional", 2)])
@pytest.mark.parametrize("start", [False, True])
def test_every_cell_in_every_direction(op_type: str, direction: str, count: int, start: bool) -> None:
    results = 3 if op_type == "LSTM" else 2
    case = recurrent(op_type, f', direction = "{direction}"', count, start, results)
    assert case.applied == [WRITTEN], case.reasons
    assert op_type not in case.operators
    assert case.weights[1].forbidden < case.weights[0].forbidden
    assert case.kinds == ["tested"]
    assert case.difference() < 1e-6


@pytest.mark.parametrize("start", [False, True])
def test_a_gru_that_resets_behind_the_product(start: bool) -> None:
    case = recurrent("GRU", ", linear_before_reset = 1", 1, start)
    assert case.applied == [WRITTEN], case.reasons
    assert case.difference() < 1e-6


def test_what_surrounds_it_ends_permitted() -> None:
    """Only the reshape of the three-dimensional network input remains."""
    text = """g (float[5,1,3] x) => (float[1,4,1,1] y) {
        all, last = LSTM <hidden_size = 4> (x, w, r)
        y = Reshape (last, four)
    }"""
    weights = {"w": normal(1, 16, 3), "r": normal(1, 16, 4), "four": np.array([1, 4, 1, 1])}
    case = mended(model(text, weights))
    assert case.weights == ((1, 1), (0, 1)), case.reasons
    assert case.error() < 1e-5


@pytest.mark.parametrize(
    ("attributes", "reason"),
    [
        (', activations = ["HardSigmoid", "Tanh", "Tanh"]', "activations are others"),
        (", clip = 3.0", "clipped"),
        (", input_forget = 1", "coupled gates"),
    ],
)
def test_refusals_say_why(attributes: str, reason: str) -> None:
    case = recurrent("LSTM", attributes, 1)
    assert case.applied == []
    assert reason in case.reasons


def test_a_length_that_is_open_is_refused() -> None:
    text = "g (float[t,1,3] x) => (float[t,1,1,4] y) { y = LSTM <hidden_size = 4> (x, w, r) }"
    case = mended(model(text, {"w": normal(1, 16, 3), "r": normal(1, 16, 4)}), WRITTEN)
    assert "length of its sequence is not fixed" in case.reasons


def test_gates_are_no_sharper_than_the_order_of_their_sums() -> None:
    """Large weights make a state that feeds back its own rounding, in onnxruntime's own GRU as in ours."""
    random = np.random.default_rng(1)
    shapes = {"w": (1, 72, 64), "r": (1, 72, 24), "b": (1, 144)}
    weights = {name: random.uniform(-3, 3, shape).astype(np.float32) for name, shape in shapes.items()}
    text = """g (float[8,1,64] x) => (float[8,1,1,24] y) {
        y = GRU <hidden_size = 24, linear_before_reset = 1> (x, w, r, b)
    }"""
    case = mended(model(text, weights), WRITTEN)
    assert case.applied == [WRITTEN], case.reasons
    assert case.difference() < 1e-4
