"""Recurrent operators: weights, bias and states fit directions, gates and sizes."""

from __future__ import annotations

from collections.abc import Iterator

from safecheck.ir.validity.view import Operands, known_int, words

_GATES = {"RNN": 1, "GRU": 3, "LSTM": 4}


def recurrent(view: Operands) -> Iterator[str]:
    """X is [steps, batch, size], W [directions, gates * hidden, size] and so on (RNN-14, GRU-14, LSTM-14).

    With `layout` 1 the batch comes first, in X and in the states.
    """
    data, recurrence = view.shape(0), view.shape(2)
    gates = _GATES[view.node.op_type]
    directions = 2 if view.attribute("direction") == "bidirectional" else 1
    written = view.number("hidden_size")
    hidden = written if written is not None else known_int(recurrence, 2)
    first = bool(view.number("layout"))
    batch = known_int(data, 0 if first else 1)
    state = (batch, directions, hidden) if first else (directions, batch, hidden)

    def times(count: int) -> int | None:
        return None if hidden is None else count * hidden

    wanted = {
        0: ("X", (None, None, None)),
        1: ("W", (directions, times(gates), known_int(data, 2))),
        2: ("R", (directions, times(gates), hidden)),
        3: ("B", (directions, times(2 * gates))),
        4: ("sequence_lens", (batch,)),
        5: ("initial_h", state),
        6: ("initial_c", state),
        7: ("P", (directions, times(3))),
    }
    for position, (name, dims) in wanted.items():
        shape = view.shape(position)
        if shape is None:
            continue
        if len(shape) != len(dims):
            yield f"{name} has rank {len(shape)}, but it must have rank {len(dims)}"
        elif any(type(dim) is int and want not in (None, dim) for dim, want in zip(shape, dims, strict=True)):
            yield f"{name} is {words(shape)}, but the other operands ask for {words(dims)}"
