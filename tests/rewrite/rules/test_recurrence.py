"""Recurrent operators of fixed length, written out round by round."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from mended import Mended, mended, model, normal, run

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


Activation = Callable[..., Any]


def sigmoid(v: Any) -> Any:
    return 1 / (1 + np.exp(-v))


ACTIVATIONS: dict[str, Activation] = {
    "Affine": lambda v, a, b: a * v + b,
    "Elu": lambda v, a=1.0: np.where(v < 0, a * np.expm1(np.minimum(v, 0)), v),
    "HardSigmoid": lambda v, a=0.2, b=0.5: np.clip(a * v + b, 0, 1),
    "LeakyRelu": lambda v, a=0.01: np.where(v < 0, a * v, v),
    "Relu": lambda v: np.maximum(v, 0),
    "ScaledTanh": lambda v, a, b: a * np.tanh(b * v),
    "Sigmoid": sigmoid,
    "Softplus": lambda v: np.logaddexp(v, 0),
    "Softsign": lambda v: v / (1 + abs(v)),
    "Tanh": np.tanh,
}
"""As the definitions of the recurrent operators have them, with the parameters that they take."""


def rounds(op_type: str, x: Any, weights: dict[str, Any], functions: list[Activation], **how: Any) -> Any:
    """The hidden states of one direction by the equations of ONNX, in float64: (steps, batch, hidden)."""
    w, r, b = (weights[name].astype(np.float64) for name in "wrb")
    gates, clip, lbr = GATES[op_type], how.get("clip", np.inf), how.get("linear_before_reset", 0)
    w, r, (wb, rb) = w.reshape(gates, HIDDEN, -1), r.reshape(gates, HIDDEN, -1), b.reshape(2, gates, HIDDEN)
    p = weights.get("p", np.zeros(3 * HIDDEN)).astype(np.float64).reshape(3, HIDDEN)
    h, c = (np.broadcast_to(weights.get(name, np.zeros((1, HIDDEN))), (x.shape[1], HIDDEN)) for name in ("h0", "c0"))

    def gate(at: int, xt: Any, more: Any = 0.0) -> Any:
        return functions[0](np.clip(xt @ w[at].T + h @ r[at].T + wb[at] + rb[at] + more, -clip, clip))

    states = []
    for xt in x.astype(np.float64):
        if op_type == "RNN":
            h = gate(0, xt)
        elif op_type == "GRU":
            update, reset = gate(0, xt), gate(1, xt)
            carried = reset * (h @ r[2].T + rb[2]) if lbr else (reset * h) @ r[2].T + rb[2]
            h = (1 - update) * functions[1](np.clip(xt @ w[2].T + wb[2] + carried, -clip, clip)) + update * h
        else:
            taken, kept = gate(0, xt, p[0] * c), gate(2, xt, p[2] * c)
            fresh = functions[1](np.clip(xt @ w[3].T + h @ r[3].T + wb[3] + rb[3], -clip, clip))
            c = (1 - taken if how.get("input_forget") else kept) * c + taken * fresh
            h = gate(1, xt, p[1] * c) * functions[2](c)
        states.append(h)
    return np.stack(states)


def as_defined(
    op_type: str, names: list[str] | None = None, parameters: list[tuple[float, ...]] | None = None,
    extra: tuple[str, ...] = (), batch: int = BATCH, **how: Any,
) -> Mended:  # fmt: skip
    """One direction with activations, their parameters in order, extra constants and attributes."""
    gates = GATES[op_type]
    sizes = {
        "w": (gates * HIDDEN, INPUTS), "r": (gates * HIDDEN, HIDDEN), "b": (2 * gates * HIDDEN,),
        "p": (3 * HIDDEN,), "h0": (1, HIDDEN), "c0": (1, HIDDEN),
    }  # fmt: skip
    weights = {name: normal(*size, seed=at) * np.float32(0.7) for at, (name, size) in enumerate(sizes.items())}
    weights = {name: array for name, array in weights.items() if name in ("w", "r", "b", *extra)}
    own, attributes = parameters or [()] * len(names or ()), [f"{name} = {value}" for name, value in how.items()]
    if names:
        attributes.append(f"activations = [{', '.join(map(repr, names))}]".replace("'", '"'))
    for at, kind in enumerate(("alpha", "beta")):
        if numbers := [numbers[at] for numbers in own if len(numbers) > at]:
            attributes.append(f"activation_{kind} = {numbers}")
    operands = ", ".join(name if name in weights else "" for name in ("w", "r", "b", "", "h0", "c0", "p"))
    call = f"{op_type} <{', '.join([f'hidden_size = {HIDDEN}', *attributes])}> (x, {operands.rstrip(', ')})"
    stored = {name: array[None] for name, array in weights.items()}
    stored |= {name: np.repeat(stored[name], batch, 1) for name in ("h0", "c0") if name in stored}
    text = f"g (float[{STEPS},{batch},{INPUTS}] x) => (float[{STEPS},1,{batch},{HIDDEN}] y) {{ y = {call} }}"
    case = mended(model(text, stored), WRITTEN)
    assert case.applied == [WRITTEN], case.reasons
    chosen = names or {"GRU": ["Sigmoid", "Tanh"], "LSTM": ["Sigmoid", "Tanh", "Tanh"], "RNN": ["Tanh"]}[op_type]
    functions = [
        partial_of(ACTIVATIONS[name], numbers) for name, numbers in zip(chosen, own or [()] * len(chosen), strict=True)
    ]
    for scale in (1.0, 3.0):
        x = normal(STEPS, batch, INPUTS, seed=9) * np.float32(scale)
        want = rounds(op_type, x, weights, functions, **how)
        size = max(1.0, float(np.abs(want).max()))
        for network in (case.before, case.after):
            assert np.abs(run(network, {"x": x})[0][:, 0] - want).max() < 1e-5 * size
    return case


def partial_of(function: Activation, numbers: tuple[float, ...]) -> Activation:
    return lambda v: function(v, *numbers)


@pytest.mark.parametrize("clip", [None, 0.4, 3.0])
@pytest.mark.parametrize("coupled", [0, 1])
@pytest.mark.parametrize("extra", [(), ("p",), ("h0", "c0"), ("p", "h0", "c0")])
def test_peepholes_coupled_gates_and_clipped_sums(clip: float | None, coupled: int, extra: tuple[str, ...]) -> None:
    how = {"input_forget": coupled} | ({} if clip is None else {"clip": clip})
    case = as_defined("LSTM", extra=extra, **how)
    assert ("Clip" in case.operators) == (clip is not None)


@pytest.mark.parametrize("op_type", ["GRU", "RNN"])
@pytest.mark.parametrize("last", [0, 1])
@pytest.mark.parametrize("extra", [(), ("h0",)])
def test_other_cells_clipped(op_type: str, last: int, extra: tuple[str, ...]) -> None:
    as_defined(op_type, extra=extra, clip=0.6, **({"linear_before_reset": last} if op_type == "GRU" else {}))


BOUNDED: list[tuple[str, tuple[float, ...]]] = [
    ("HardSigmoid", ()), ("HardSigmoid", (0.3, 0.4)), ("ScaledTanh", (0.8, 0.6)), ("Sigmoid", ()), ("Softsign", ()),
    ("Tanh", ()),
]  # fmt: skip
GROWING: list[tuple[str, tuple[float, ...]]] = [
    ("Affine", (0.3, 0.2)), ("Elu", ()), ("Elu", (0.4,)), ("LeakyRelu", ()), ("LeakyRelu", (0.2,)), ("Relu", ()),
]  # fmt: skip
FUNCTIONS = {"GRU": 2, "LSTM": 3, "RNN": 1}
PLACES = [
    (op_type, at, *function)
    for op_type, count in FUNCTIONS.items()
    for at in range(count)
    # gates that grow multiply the state by itself, round by round, until it overflows: nobody has such
    for function in (BOUNDED if at == 0 and count > 1 else BOUNDED + GROWING)
]


@pytest.mark.parametrize(("op_type", "at", "name", "numbers"), PLACES)
def test_every_activation(op_type: str, at: int, name: str, numbers: tuple[float, ...]) -> None:
    names = ["Sigmoid", "Tanh", "Tanh"][: FUNCTIONS[op_type]]
    names[at] = name
    parameters: list[tuple[float, ...]] = [()] * len(names)
    parameters[at] = numbers
    as_defined(op_type, names, parameters)


def test_softplus_is_left_where_onnxruntime_overflows() -> None:
    """Inside of a cell it computes log (1 + exp (v)), which is infinite from 89 on."""
    as_defined("LSTM", ["Sigmoid", "Tanh", "Softplus"])  # of a cell that is small
    case = recurrent("GRU", ', activations = ["Sigmoid", "Softplus"]', 1)
    assert case.applied == []
    assert "infinities" in case.reasons


def test_parameters_are_consumed_by_those_that_have_some() -> None:
    as_defined("LSTM", ["HardSigmoid", "Tanh", "LeakyRelu"], [(0.3, 0.4), (), (0.1,)])
    as_defined("GRU", ["Sigmoid", "Elu"], [(), (0.7,)], clip=0.9)


def test_both_directions_have_functions_of_their_own() -> None:
    names = '", "'.join(["HardSigmoid", "Tanh", "Tanh", "Sigmoid", "Relu", "Softsign"])
    case = recurrent("LSTM", f', direction = "bidirectional", activations = ["{names}"], clip = 0.5', 2, True, 3)
    assert case.applied == [WRITTEN], case.reasons
    assert {"HardSigmoid", "Sigmoid", "Relu", "Softsign", "Tanh"} <= set(case.operators)
    assert case.difference() < 1e-6


def test_a_hard_cell_ends_permitted() -> None:
    """Peepholes, a clip and hard gates leave nothing that other rewrites do not take."""
    text = """g (float[5,1,3] x) => (float[1,4,1,1] y) {
        all, last = LSTM <hidden_size = 4, clip = 1.5, activations = ["HardSigmoid", "Tanh", "Softsign"]>
            (x, w, r, , , h0, , p)
        y = Reshape (last, four)
    }"""
    weights = {
        "w": normal(1, 16, 3), "r": normal(1, 16, 4), "four": np.array([1, 4, 1, 1]),
        "p": normal(1, 12, seed=4), "h0": normal(1, 1, 4, seed=5),
    }  # fmt: skip
    case = mended(model(text, weights))
    assert case.weights == ((1, 1), (0, 1)), case.reasons
    assert case.error() < 1e-5


@pytest.mark.parametrize(
    ("attributes", "reason"),
    [
        (', activations = ["ThresholdedRelu", "Tanh", "Tanh"]', "jumps"),
        (', activations = ["Affine", "Tanh", "Tanh"]', "no parameters"),
        (', activations = ["Sigmoid", "Tanh"]', "another number"),
        (", clip = -1.0", "not positive"),
        (", layout = 1", "batches in front of time"),
    ],
)
def test_refusals_say_why(attributes: str, reason: str) -> None:
    case = recurrent("LSTM", attributes, 1)
    assert case.applied == []
    assert reason in case.reasons


def test_a_batch_that_starts_from_different_constants_is_refused() -> None:
    text = "g (float[5,2,3] x) => (float[5,1,2,4] y) { y = LSTM <hidden_size = 4> (x, w, r, , , h0) }"
    weights = {"w": normal(1, 16, 3), "r": normal(1, 16, 4), "h0": normal(1, 2, 4)}
    assert "different constant states" in mended(model(text, weights), WRITTEN).reasons


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
