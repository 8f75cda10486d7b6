"""Recurrent operators."""

from __future__ import annotations

from generated.build import Build, Value
from generated.registry import operand, strategy


@strategy("RNN", "GRU", "LSTM")
def recurrent(b: Build, op: str) -> None:
    gates = {"RNN": 1, "GRU": 3, "LSTM": 4}[op]
    functions = {"RNN": 1, "GRU": 2, "LSTM": 3}[op]
    direction = b.one("forward", "forward", "reverse", "bidirectional")
    n = 2 if direction == "bidirectional" else 1
    steps, batch, size, hidden = b.number(1, 4), b.number(1, 3), b.number(1, 4), b.number(1, 4)
    dtype = b.dtype(op)
    layout = b.opset > 13 and b.chance(0.08)
    data = b.data(dtype, (batch, steps, size) if layout else (steps, batch, size))
    inputs: list[Value | None] = [
        data,
        b.weights(dtype, (n, gates * hidden, size)),
        b.weights(dtype, (n, gates * hidden, hidden)),
    ]
    inputs.append(b.one(None, b.weights(dtype, (n, 2 * gates * hidden))))
    inputs.append(b.one(None, None, None, operand(b, "INT32", (batch,))))
    state = (batch, n, hidden) if layout else (n, batch, hidden)
    inputs += [operand(b, dtype, state) if b.chance(0.4) else None for _ in range(2 if op == "LSTM" else 1)]
    if op == "LSTM" and b.chance(0.15):
        inputs.append(b.weights(dtype, (n, 3 * hidden)))
    more = {"direction": direction} if direction != "forward" or b.chance(0.3) else {}
    more |= {"hidden_size": hidden} if b.chance(0.9) else {}
    more |= {"layout": 1} if layout else {}
    if b.chance(0.2):
        names = ("Relu", "Tanh", "Sigmoid", "Affine", "LeakyRelu", "HardSigmoid", "Elu", "Softsign", "Softplus", "tanh")
        more["activations"] = [b.draw.choice(names) for _ in range(functions * n)]
    if b.chance(0.1):
        more["clip"] = 2.0
    if op == "GRU":
        more |= b.some(linear_before_reset=b.one(0, 1))
    if op == "LSTM" and b.chance(0.05):
        more["input_forget"] = 1
    b.node(op, inputs, b.number(1, 3 if op == "LSTM" else 2), **more)
