"""LSTM, GRU and RNN over a sequence of fixed length, written out round by round."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

from safecheck.ir.protos import numpy_type
from safecheck.rewrite.algebra.cells import CELLS, GATES, Function, State, Weights
from safecheck.rewrite.algebra.plane import Plane
from safecheck.rewrite.algebra.pointwise import add_all
from safecheck.rewrite.algebra.rounding import FLOATS
from safecheck.rewrite.attributes import attribute, integer, text
from safecheck.rewrite.builder import Builder
from safecheck.rewrite.graph import MutableGraph
from safecheck.rewrite.rule import Candidate, Claim, Match
from safecheck.text import printable

_MAX_NODES = 20_000
_PER_ROUND = 32
_DEFAULT = {"GRU": ("sigmoid", "tanh"), "LSTM": ("sigmoid", "tanh", "tanh"), "RNN": ("tanh",)}
_FUNCTIONS: dict[str, tuple[str, tuple[float | None, ...]]] = {
    "affine": ("Affine", (None, None)), "elu": ("Elu", (1.0,)), "hardsigmoid": ("HardSigmoid", (0.2, 0.5)),
    "leakyrelu": ("LeakyRelu", (0.01,)), "relu": ("Relu", ()), "scaledtanh": ("ScaledTanh", (None, None)),
    "sigmoid": ("Sigmoid", ()), "softplus": ("Softplus", ()), "softsign": ("Softsign", ()), "tanh": ("Tanh", ()),
}  # fmt: skip
"""Name in small letters -> as ONNX writes it, and what alpha and beta are by default; None: have to be given."""
_CLIPPED = "clip bounds what the gates take, as in onnxruntime, and not the cell that the output sees"
_CLAIM = Claim(
    "tested", "the same equations round by round; sums of products may be added in another order", finite_only=True,
    caveats=("picking a step by a convolution with zeros and a one spreads NaN and infinity over all steps",),
)  # fmt: skip


class WriteOutRecurrence:
    """The rounds of a recurrent operator, one after the other, on states of four dimensions."""

    name = "write-out-recurrence"
    remedies: tuple[str, ...] = ()

    def match(self, graph: MutableGraph, node: Any) -> Match | None:
        """Offer every round as convolutions, sigmoids, products and sums."""
        if node.op_type not in CELLS:
            return None
        reason = _obstacle(graph, node)
        return Match((node,), reason=reason) if reason else Match((node,), (_candidate(graph, node),))


def _operand(node: Any, position: int) -> str:
    return str(node.input[position]) if position < len(node.input) else ""


def _obstacle(graph: MutableGraph, node: Any) -> str:
    """Why the rounds cannot be written out; empty if they can."""
    dims = graph.dims(node.input[0])
    if dims is None or graph.tensor(node.input[0]).dtype not in FLOATS:
        return "the length of its sequence is not fixed, or its type is none that convolutions have"
    parameters = (*node.input[1:3], _operand(node, 3), _operand(node, 7))
    if any(graph.constant(name) is None for name in parameters if name):
        return "its weights are computed"
    if dims[0] * _directions(node) * _PER_ROUND > _MAX_NODES:
        return f"a sequence of {dims[0]} steps is too long to be written out"
    functions = _functions(node)
    if isinstance(functions, str):
        return functions
    if (clip := attribute(node, "clip")) is not None and not clip.f > 0:
        return "it clips at a number that is not positive"
    if integer(node, "layout", 0):
        return "batches in front of time are not written out"
    lengths = graph.constant(_operand(node, 4))
    if _operand(node, 4) and (lengths is None or bool((lengths != dims[0]).any())):
        return "its sequences end at lengths that are computed, or differ"
    for name in filter(None, (_operand(node, 5), _operand(node, 6))):
        stored = graph.constant(name)
        if stored is not None and bool((stored != stored[:, :1]).any()):
            return "the entries of its batch start from different constant states"
    return ""


def _functions(node: Any) -> tuple[Function, ...] | str:
    """The activations of all directions, one after the other, or why they are not written.

    Parameters are consumed in order by the functions that have some; onnxruntime does not mind the case of names.
    """
    given = attribute(node, "activations")
    names = [name.decode("utf-8", "replace").lower() for name in given.strings] if given is not None else []
    names = names or [*_DEFAULT[node.op_type]] * _directions(node)
    alphas, betas = (
        iter(() if (found := attribute(node, f"activation_{name}")) is None else found.floats)
        for name in ("alpha", "beta")
    )
    functions = []
    for name in names:
        if name not in _FUNCTIONS:
            return f"its activation {printable(name, 40)} jumps or is not known"
        written, defaults = _FUNCTIONS[name]
        values = [next(source, default) for source, default in zip((alphas, betas), defaults, strict=False)]
        numbers = [value for value in values if value is not None]
        if len(numbers) < len(values):
            return f"its activation {written} has no parameters"
        functions.append(Function(written, *numbers))
    if len(functions) != len(_DEFAULT[node.op_type]) * _directions(node):
        return "it names another number of activations than it has"
    return tuple(functions)


def _directions(node: Any) -> int:
    return 2 if text(node, "direction", "forward") == "bidirectional" else 1


class _Sizes(NamedTuple):
    steps: int
    batch: int
    inputs: int
    hidden: int


def _candidate(graph: MutableGraph, node: Any) -> Candidate:
    builder = Builder(graph, next(name for name in node.output if name))
    dims = graph.dims(node.input[0]) or ()
    dtype = graph.tensor(node.input[0]).dtype or ""
    recurrent: Any = graph.constant(node.input[2])
    sizes = _Sizes(dims[0], dims[1], dims[2], recurrent.shape[2])
    row = builder.reshape(node.input[0], (1, sizes.steps, sizes.batch * sizes.inputs, 1))
    steps = [
        builder.reshape(_place(builder, row, at, 0, (sizes.steps, 1), dtype), (sizes.batch, sizes.inputs, 1, 1))
        for at in range(sizes.steps)
    ]
    plane = Plane(builder, (sizes.batch, sizes.hidden, 1, 1), dtype)
    sources = [node.input[0]]
    every: list[tuple[int, str]] = []  # where a hidden state belongs among all, and its name
    last: list[State] = []
    count = _directions(node)
    for direction in range(count):
        begin = steps[0], direction, sizes
        state = State(*(_first(graph, node, builder, slot, begin, sources) for slot in (5, 6)))
        backwards = direction == 1 or text(node, "direction", "forward") == "reverse"
        weights = _weights(graph, node, direction, dtype)
        for at in reversed(range(sizes.steps)) if backwards else range(sizes.steps):
            state = CELLS[node.op_type](plane, weights, steps[at], state)
            every.append((at * count + direction, state.hidden))
        last.append(state)
    wanted = (
        every,
        [(at, state.hidden) for at, state in enumerate(last)],
        [(at, state.cell) for at, state in enumerate(last)],
    )
    results = {
        name: builder.reshape(_joined(builder, states, sizes, dtype), graph.dims(name) or ())
        for name, states in zip(node.output, wanted, strict=False)
        if name and (graph.is_output(name) or graph.consumers(name))
    }
    clipped = attribute(node, "clip") is not None and node.op_type == "LSTM"
    claim = replace(_CLAIM, caveats=(*_CLAIM.caveats, _CLIPPED)) if clipped else _CLAIM
    return Candidate(builder.replacement(sources, results), claim)


def _weights(graph: MutableGraph, node: Any, direction: int, dtype: str) -> Weights:
    import numpy

    given: Any = graph.constant(node.input[1])
    carried: Any = graph.constant(node.input[2])
    gates, hidden = GATES[node.op_type], carried.shape[2]
    stored = graph.constant(_operand(node, 3)) if _operand(node, 3) else None
    bias = numpy.zeros(2 * gates * hidden, numpy_type(dtype)) if stored is None else stored[direction]
    by_gate = bias.reshape(2, gates, hidden)
    functions, clip = _functions(node), attribute(node, "clip")
    if isinstance(functions, str):
        raise ValueError(functions)
    peepholes = graph.constant(_operand(node, 7))
    per = len(_DEFAULT[node.op_type])
    return Weights(
        given[direction].reshape(gates, hidden, -1), carried[direction].reshape(gates, hidden, hidden),
        by_gate[0], by_gate[1], bool(integer(node, "linear_before_reset", 0)),
        functions[direction * per : direction * per + per],
        None if peepholes is None else peepholes[direction].reshape(3, hidden), bool(integer(node, "input_forget", 0)),
        None if clip is None else clip.f,
    )  # fmt: skip


def _first(
    graph: MutableGraph, node: Any, builder: Builder, slot: int, begin: tuple[str, int, _Sizes], sources: list[str]
) -> str:
    """A state that the network hands in, of one direction, or a constant; empty for zeros."""
    import numpy

    step, direction, sizes = begin
    name = _operand(node, slot)
    stored = graph.constant(name) if name else None
    if stored is not None and bool(stored.any()):
        zeros = numpy.zeros((sizes.hidden, sizes.inputs, 1, 1), stored.dtype)
        return builder.conv(step, zeros, stored[direction, 0])
    if not name or stored is not None:
        return ""
    if name not in sources:
        sources.append(name)
    count = _directions(node)
    value = builder.reshape(name, (1, count, sizes.batch * sizes.hidden, 1))
    if count > 1:
        value = _place(builder, value, direction, 0, (count, 1), graph.tensor(name).dtype or "")
    return builder.reshape(value, (sizes.batch, sizes.hidden, 1, 1))


def _joined(builder: Builder, states: list[tuple[int, str]], sizes: _Sizes, dtype: str) -> str:
    """States one after the other as channels."""
    if len(states) == 1:
        return states[0][1]
    rows = [(at, builder.reshape(state, (1, 1, sizes.batch * sizes.hidden, 1))) for at, state in states]
    return add_all(builder, [_place(builder, row, 0, at, (1, len(states)), dtype) for at, row in rows])


def _place(builder: Builder, value: str, source: int, target: int, shape: tuple[int, int], dtype: str) -> str:
    """One channel of some as one channel of others, which are zero."""
    import numpy

    weights = numpy.zeros((shape[1], shape[0], 1, 1), numpy_type(dtype))
    weights[target, source] = 1
    return value if shape == (1, 1) else builder.conv(value, weights)
