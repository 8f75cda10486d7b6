"""One round of LSTM, GRU and RNN on states of dimensions (batch, hidden, 1, 1).

Gates are 1x1 convolutions with constant weights; equations and the order of gates: ONNX definitions of the operators.
What these leave open is as in onnxruntime: `clip` bounds what the functions of the gates take, not the cell, and
coupled gates forget as much as they do not take in.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from safecheck.rewrite.algebra.plane import Plane

GATES = {"GRU": 3, "LSTM": 4, "RNN": 1}


class Function(NamedTuple):
    """An activation, named as the recurrent operators name it."""

    name: str
    alpha: float = 0.0
    beta: float = 0.0

    def of(self, plane: Plane, value: str) -> str:
        """The function of a value; operators that restricted mode may not have are for other rewrites."""
        if self.name == "Affine":
            return plane.affine(value, self.alpha, self.beta)
        if self.name == "ScaledTanh":
            return plane.affine(plane.builder.add("Tanh", [plane.affine(value, self.beta)]), self.alpha)
        given = {"Elu": ("alpha",), "HardSigmoid": ("alpha", "beta"), "LeakyRelu": ("alpha",)}.get(self.name, ())
        return plane.builder.add(self.name, [value], **{name: getattr(self, name) for name in given})


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
    functions: tuple[Function, ...]
    """Of the gates, of what is new, and of the cell, as many as the operator has."""
    peepholes: Any | None = None
    """(3, hidden): what the gates of an LSTM for input, output and forgetting see of the cell."""
    coupled: bool = False
    """Whether the gate for forgetting is one minus that for the input."""
    clip: float | None = None
    """How far from zero at most the sums of a gate may be."""


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


def _function(plane: Plane, weights: Weights, which: int, value: str) -> str:
    """A function of the sums of a gate, which are clipped."""
    builder = plane.builder
    if weights.clip is not None and builder.graph.opset < 11:
        value = builder.add("Clip", [value], min=-weights.clip, max=weights.clip)
    elif weights.clip is not None:
        ends = (builder.constant(plane.dtype.type(end)) for end in (-weights.clip, weights.clip))
        value = builder.add("Clip", [value, *ends])
    return weights.functions[which].of(plane, value)


def _lstm(plane: Plane, weights: Weights, x: str, state: State) -> State:
    def gate(at: int, cell: str) -> str:
        total = _gate(plane, weights, at, x, state.hidden)
        if weights.peepholes is not None and cell:
            total = plane.add(total, plane.affine(cell, weights.peepholes[at]))
        return _function(plane, weights, 0, total)

    taken = gate(0, state.cell)
    fresh = _function(plane, weights, 1, _gate(plane, weights, 3, x, state.hidden))
    cell = plane.multiply(taken, fresh)
    if state.cell:
        kept = plane.affine(taken, -1.0, 1.0) if weights.coupled else gate(2, state.cell)
        cell = plane.add(plane.multiply(kept, state.cell), cell)
    return State(plane.multiply(gate(1, cell), weights.functions[2].of(plane, cell)), cell)


def _gru(plane: Plane, weights: Weights, x: str, state: State) -> State:
    update = _function(plane, weights, 0, _gate(plane, weights, 0, x, state.hidden))
    given, carried = weights.given_bias[2], weights.carried_bias[2]
    if not state.hidden and not (weights.reset_last and bool(carried.any())):
        fresh = _given(plane, weights, 2, x, given + carried)
    else:
        reset = _function(plane, weights, 0, _gate(plane, weights, 1, x, state.hidden))
        if not state.hidden:
            fresh = plane.add(_given(plane, weights, 2, x, given), plane.affine(reset, carried))
        elif weights.reset_last:
            product = _carried(plane, weights, 2, state.hidden, carried)
            fresh = plane.add(_given(plane, weights, 2, x, given), plane.multiply(reset, product))
        else:
            kept = plane.multiply(reset, state.hidden)
            fresh = plane.add(_given(plane, weights, 2, x, given + carried), _carried(plane, weights, 2, kept))
    hidden = plane.multiply(plane.affine(update, -1.0, 1.0), _function(plane, weights, 1, fresh))
    if state.hidden:
        hidden = plane.add(hidden, plane.multiply(update, state.hidden))
    return State(hidden)


def _rnn(plane: Plane, weights: Weights, x: str, state: State) -> State:
    return State(_function(plane, weights, 0, _gate(plane, weights, 0, x, state.hidden)))


CELLS: dict[str, Cell] = {"GRU": _gru, "LSTM": _lstm, "RNN": _rnn}
