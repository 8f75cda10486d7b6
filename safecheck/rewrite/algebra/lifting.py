"""How each operator is carried out on tensors of four dimensions, the first of them 1.

Semantics: ONNX operator definitions.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from safecheck.ir.walk import is_standard
from safecheck.rewrite.algebra.lift import RANK, Lift, is_liftable, lifts
from safecheck.rewrite.algebra.lift_conditions import (
    constant_operands,
    gathers,
    has_axes,
    has_constant_operands,
    keeps_axis,
    multiplies,
    pads,
    plain_gemm,
    reduces,
    resizes,
)
from safecheck.rewrite.attributes import axes_of, integer, integers, operand
from safecheck.rewrite.graph import MutableGraph
from safecheck.rewrite.memo import NodeMemo

SAME = frozenset((
    "Abs", "Ceil", "Celu", "Cast", "Clip", "Cos", "Elu", "Erf", "Exp", "Floor", "Gelu", "HardSigmoid",
    "HardSwish", "Identity", "IsInf", "IsNaN", "LeakyRelu", "Log", "Mish", "Neg", "Not", "Reciprocal", "Relu",
    "Round", "Selu", "Sigmoid", "Sign", "Sin", "Softplus", "Softsign", "Sqrt", "Swish", "Tan", "Tanh",
    "ThresholdedRelu",
))  # fmt: skip
"""Element by element; further operands are scalars."""
BROADCAST = frozenset((
    "Add", "And", "Div", "Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual", "Max", "Mean", "Min",
    "Mod", "Mul", "Or", "PRelu", "Pow", "Sub", "Sum", "Where", "Xor",
))  # fmt: skip
_RESHAPES = frozenset(("Reshape", "Squeeze", "Unsqueeze", "Flatten"))
_REDUCTIONS = frozenset((
    "ReduceL1", "ReduceL2", "ReduceLogSum", "ReduceLogSumExp", "ReduceMax", "ReduceMean", "ReduceMin",
    "ReduceProd", "ReduceSum", "ReduceSumSquare",
))  # fmt: skip
GAIN_NOTHING = _RESHAPES | _REDUCTIONS
"""Operators whose verdict does not hang on their rank."""
_FROM_BEHIND = SAME | BROADCAST | _RESHAPES | {"LayerNormalization", "MatMul", "Softmax"}
"""Operators that may also lose leading dimensions of 1."""
_TRANSPOSED = ("transA", "transB")
_MIN_OPSET = 7
"""Before, broadcasting was told by attributes."""


class _Lifts(NodeMemo[bool]):
    """Answers of `can_lift`."""


def can_lift(graph: MutableGraph, node: Any) -> bool:
    """Whether values of another rank than four are read or made, and four dimensions would do as well."""
    return graph.memo(_Lifts).of(node, lambda: _can_lift(graph, node))


def _can_lift(graph: MutableGraph, node: Any) -> bool:
    if not is_standard(node) or graph.opset < _MIN_OPSET or node.op_type not in _LIFTS:
        return False
    shapes = {name: graph.dims(name) for name in (*node.input, *node.output) if name}
    if None in shapes.values() or not any(is_liftable(graph, name) or _is_thin(graph, node, name) for name in shapes):
        return False
    if node.op_type not in _RESHAPES and not all(
        len(dims or ()) == RANK or lifts(dims or ()) for dims in shapes.values()
    ):
        return False
    if node.op_type not in _FROM_BEHIND and any(len(dims or ()) > RANK for dims in shapes.values()):
        return False
    used = [name for name in node.output if name and (graph.is_output(name) or graph.consumers(name))]
    if not used or (len(used) > 1 and node.op_type != "Split"):
        return False
    if graph.constant(node.input[0]) is not None and node.op_type not in (*BROADCAST, "MatMul", "Concat"):
        return False
    check = _CHECKS.get(node.op_type)
    return check is None or check(graph, node)


def write(lift: Lift, node: Any) -> None:
    """Write the node on lifted values."""
    _LIFTS[node.op_type](lift, node)


def _is_thin(graph: MutableGraph, node: Any, name: str) -> bool:
    """Whether an operand is a constant that would be broadcast to four dimensions."""
    result = graph.dims(node.output[0]) or ()
    array = graph.constant(name) if node.op_type in BROADCAST else None
    return array is not None and 0 < array.ndim < RANK == len(result)


def _same(lift: Lift, node: Any) -> None:
    lift.make(node, [lift.raised(node.input[0]), *node.input[1:]])


def _broadcast(lift: Lift, node: Any) -> None:
    lift.make(node, [lift.raised(name) for name in node.input])


def _product(lift: Lift, node: Any) -> None:
    constant = lift.graph.constant
    lift.make(node, [name if constant(name) is not None else lift.raised(name) for name in node.input])


def _gemm(lift: Lift, node: Any) -> None:
    """A product and a sum, because Gemm has two dimensions."""
    pair = [_matrix(lift, name, integer(node, flag, 0)) for name, flag in zip(node.input, _TRANSPOSED, strict=False)]
    made = lift.builder.add("MatMul", pair)
    if len(node.input) > 2 and node.input[2]:
        made = lift.builder.add("Add", [made, lift.raised(node.input[2])])
    lift.settle(node, made)


def _matrix(lift: Lift, name: str, transposed: int) -> str:
    array = lift.graph.constant(name)
    if array is not None:
        return lift.builder.constant(array.T) if transposed else name
    return lift.builder.transpose(lift.raised(name), (0, 1, 3, 2)) if transposed else lift.raised(name)


def _reshape(lift: Lift, node: Any) -> None:
    source, result = node.input[0], node.output[0]
    if lift.knows(source):
        lift.settle(node, lift.reshaped(lift.raised(source), lift.dims(source), lift.dims(result)))
    else:  # it comes from outside, and is reshaped once, to what is wanted in the end
        lift.settle(node, lift.reshaped(source, lift.graph.dims(source) or (), lift.dims(result)))


def _along_axis(default: int) -> Callable[[Lift, Any], None]:
    def write(lift: Lift, node: Any) -> None:
        name = node.input[0]
        axis = integer(node, "axis", default) % len(lift.graph.dims(name) or (1,))
        lift.make(node, [lift.raised(name), *node.input[1:]], axis=axis + lift.shift(name))

    return write


def _softmax(lift: Lift, node: Any) -> None:
    _along_axis(-1 if lift.graph.opset >= 13 else 1)(lift, node)


def _normalization(lift: Lift, node: Any) -> None:
    _along_axis(-1)(lift, node)


def _transpose(lift: Lift, node: Any) -> None:
    name = node.input[0]
    rank, shift = len(lift.graph.dims(name) or ()), lift.shift(name)
    order = integers(node, "perm") or tuple(reversed(range(rank)))
    lift.make(node, [lift.raised(name)], perm=[*range(shift), *(shift + axis % rank for axis in order)])


def _concat(lift: Lift, node: Any) -> None:
    axis = integer(node, "axis", 1) % len(lift.graph.dims(node.input[0]) or (1,))
    lift.make(node, [lift.raised(name) for name in node.input], axis=axis + lift.shift(node.input[0]))


def _slice(lift: Lift, node: Any) -> None:
    name = node.input[0]
    rank, shift = len(lift.graph.dims(name) or ()), lift.shift(name)
    if len(node.input) > 1:
        count = len(operand(lift.graph, node, 1) or ())
        axes = operand(lift.graph, node, 3) or tuple(range(count))
        moved = lift.integers([axis % rank + shift for axis in axes])
        lift.make(node, [lift.raised(name), *node.input[1:3], moved, *node.input[4:]])
    else:
        axes = integers(node, "axes") or tuple(range(len(integers(node, "starts") or ())))
        lift.make(node, [lift.raised(name)], axes=[axis % rank + shift for axis in axes])


def _gather(lift: Lift, node: Any) -> None:
    name, indices = node.input
    dims, shift = lift.graph.dims(name) or (), lift.shift(name)
    axis = integer(node, "axis", 0) % len(dims) + shift
    chosen = lift.graph.constant(indices)
    if chosen is None or chosen.ndim == 1:
        lift.make(node, [lift.raised(name), indices], axis=axis)
        return
    picked = lift.builder.add("Gather", [lift.raised(name), lift.builder.constant(chosen.reshape(-1))], axis=axis)
    given = list(lift.dims(name))
    given[axis] = chosen.size
    lift.settle(node, lift.reshaped(picked, given, lift.dims(node.output[0])))


def _expand(lift: Lift, node: Any) -> None:
    lift.make(node, [lift.raised(node.input[0]), lift.integers(lift.dims(node.output[0]))])


def _tile(lift: Lift, node: Any) -> None:
    repeats = operand(lift.graph, node, 1) or ()
    lift.make(node, [lift.raised(node.input[0]), lift.integers((1,) * lift.shift(node.input[0]) + repeats)])


def _pad(lift: Lift, node: Any) -> None:
    name = node.input[0]
    pads, lead = operand(lift.graph, node, 1) or (), (0,) * lift.shift(name)
    half = len(pads) // 2
    moved = lift.integers((*lead, *pads[:half], *lead, *pads[half:]))
    lift.make(node, [lift.raised(name), moved, *node.input[2:3]])


def _resize(lift: Lift, node: Any) -> None:
    """Scales or sizes of 1 for the dimensions in front; a region of interest is for another mode."""
    import numpy

    name = node.input[0]
    shift = lift.shift(name)
    axes = integers(node, "axes")
    if axes is not None:
        rank = len(lift.graph.dims(name) or ())
        lift.make(node, [lift.raised(name), *node.input[1:]], axes=[axis % rank + shift for axis in axes])
        return
    told = [
        name
        if (array := lift.graph.constant(name)) is None or not array.size
        else lift.builder.constant(numpy.concatenate([numpy.ones(shift, array.dtype), array]))
        for name in node.input[2:]
    ]
    lift.make(node, [lift.raised(name), "", *told])


def _reduce(lift: Lift, node: Any) -> None:
    name = node.input[0]
    dims, shift = lift.dims(name), lift.shift(name)
    axes = [axis + shift for axis in axes_of(lift.graph, node, len(lift.graph.dims(name) or ())) or ()]
    inputs = [lift.raised(name)]
    if len(node.input) > 1:
        inputs.append(lift.integers(axes))
        reduced = lift.builder.add(node.op_type, inputs, keepdims=1)
    else:
        reduced = lift.builder.add(node.op_type, inputs, keepdims=1, axes=axes)
    given = [1 if axis in axes else dim for axis, dim in enumerate(dims)]
    lift.settle(node, lift.reshaped(reduced, given, lift.dims(node.output[0])))


_LIFTS: dict[str, Callable[[Lift, Any], None]] = {
    **dict.fromkeys(SAME, _same),
    **dict.fromkeys(BROADCAST, _broadcast),
    **dict.fromkeys(_RESHAPES, _reshape),
    **dict.fromkeys(_REDUCTIONS, _reduce),
    "Concat": _concat,
    "Expand": _expand,
    "Gather": _gather,
    "Gemm": _gemm,
    "LayerNormalization": _normalization,
    "LogSoftmax": _softmax,
    "MatMul": _product,
    "Pad": _pad,
    "RMSNormalization": _normalization,
    "Resize": _resize,
    "Slice": _slice,
    "Softmax": _softmax,
    "Split": _along_axis(0),
    "Tile": _tile,
    "Transpose": _transpose,
}
_CHECKS: dict[str, Callable[[MutableGraph, Any], bool]] = {
    **dict.fromkeys(_REDUCTIONS, reduces),
    "Clip": constant_operands,
    "Concat": has_axes,
    "Expand": constant_operands,
    "Gather": gathers,
    "Gemm": plain_gemm,
    "LogSoftmax": has_axes,
    "MatMul": multiplies,
    "Pad": pads,
    "Resize": resizes,
    "Slice": has_constant_operands,
    "LayerNormalization": keeps_axis,
    "Softmax": keeps_axis,
    "Split": has_constant_operands,
    "Tile": constant_operands,
    "Transpose": has_axes,
}
