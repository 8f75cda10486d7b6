"""One round of LSTM, GRU and RNN on states of dimensions (batch, hidden, 1, 1).

Gates are 1x1 convolutions with constant weights; equations and the order of gates: ONNX definitions of the operators.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from safecheck.rewrite.algebra.plane import Plane

GATES = {"GRU": 3, "LSTM": 4, "RNN": 1}


class Weights(NamedTuple):
    """The parameters of one direction, by gate."""

    given: Any
    """(gates, hidden, input)."""
    carried: Any
    """(gates, hidden, hidden)."""
    given_bias: Any
    """(gates, hidden)."""
    carried_bias: Any
    """(gates, hidden)."""
    reset_last: bool
    """Whether a GRU multiplies by its reset gate behind the product with the state, not before it."""


class State(NamedTuple):
    """What a round hands to the next; empty names are zeros."""

    hidden: str = ""
    cell: str = ""


Cell = Callable[[Plane, Weights, str, State], State]


def _given(plane: Plane, weights: Weights, gate: int, x: str, bias: Any) -> str:
    return plane.builder.conv(x, weights.given[gate][:, :, None, None], bias if bool(bias.any()) else None)


def _carried(plane: Plane, weights: Weights, gate: int, hidden: str, bias: Any | None = None) -> str:
    return plane.builder.conv(hidden, weights.carried[gate][:, :, None, None], bias)


def _gate(plane: Plane, weights: Weights, gate: int, x: str, hidden: str) -> str:
    """The sum W x + R h + b."""
    made = _given(plane, weights, gate, x, weights.given_bias[gate] + weights.carried_bias[gate])
    return plane.add(made, _carried(plane, weights, gate, hidden)) if hidden else made


def _tanh(plane: Plane, value: str) -> str:
    return plane.builder.add("Tanh", [value])


def _lstm(plane: Plane, weights: Weights, x: str, state: State) -> State:
    def gate(at: int) -> str:
        return _gate(plane, weights, at, x, state.hidden)

    cell = plane.multiply(plane.sigmoid(gate(0)), _tanh(plane, gate(3)))
    if state.cell:
        cell = plane.add(plane.multiply(plane.sigmoid(gate(2)), state.cell), cell)
    return State(plane.multiply(plane.sigmoid(gate(1)), _tanh(plane, cell)), cell)


def _gru(plane: Plane, weights: Weights, x: str, state: State) -> State:
    update = plane.sigmoid(_gate(plane, weights, 0, x, state.hidden))
    given, carried = weights.given_bias[2], weights.carried_bias[2]
    if not state.hidden and not (weights.reset_last and bool(carried.any())):
        fresh = _given(plane, weights, 2, x, given + carried)
    else:
        reset = plane.sigmoid(_gate(plane, weights, 1, x, state.hidden))
        if not state.hidden:
            fresh = plane.add(_given(plane, weights, 2, x, given), plane.affine(reset, carried))
        elif weights.reset_last:
            product = _carried(plane, weights, 2, state.hidden, carried)
            fresh = plane.add(_given(plane, weights, 2, x, given), plane.multiply(reset, product))
        else:
            kept = plane.multiply(reset, state.hidden)
            fresh = plane.add(_given(plane, weights, 2, x, given + carried), _carried(plane, weights, 2, kept))
    hidden = plane.multiply(plane.affine(update, -1.0, 1.0), _tanh(plane, fresh))
    if state.hidden:
        hidden = plane.add(hidden, plane.multiply(update, state.hidden))
    return State(hidden)


def _rnn(plane: Plane, weights: Weights, x: str, state: State) -> State:
    return State(_tanh(plane, _gate(plane, weights, 0, x, state.hidden)))


CELLS: dict[str, Cell] = {"GRU": _gru, "LSTM": _lstm, "RNN": _rnn}
