"""Operators that work element by element."""

from __future__ import annotations

import numpy as np

from generated.build import Build, type_number, types_of
from generated.registry import broadcast, operand, strategy

UNARY = (
    "Abs", "Acos", "Acosh", "Asin", "Asinh", "Atan", "Atanh", "BitwiseNot", "Ceil", "Cos", "Cosh", "Erf", "Exp",
    "Floor", "HardSwish", "Identity", "IsNaN", "Log", "Mish", "Neg", "Not", "Reciprocal", "Relu", "Round", "Sigmoid",
    "Sign", "Sin", "Sinh", "Softplus", "Softsign", "Sqrt", "Tan", "Tanh", "NonZero", "Size", "Det",
)  # fmt: skip
FACTORS = {
    "Celu": {"alpha": (0.5, 1.0, 2.0)}, "Elu": {"alpha": (0.5, 1.0, 2.0)}, "LeakyRelu": {"alpha": (0.01, 0.3, 1.5)},
    "HardSigmoid": {"alpha": (0.2, 0.1667), "beta": (0.5, 0.3)}, "Selu": {"alpha": (1.6, 2.0), "gamma": (1.05, 2.0)},
    "ThresholdedRelu": {"alpha": (1.0, 0.5, 0.0)}, "Shrink": {"lambd": (0.5, 1.0), "bias": (0.0, 0.1)},
    "Swish": {"alpha": (1.0, 2.0)}, "Gelu": {"approximate": ("none", "tanh")},
    "IsInf": {"detect_negative": (0, 1), "detect_positive": (0, 1)}, "Bernoulli": {"seed": (1.0,), "dtype": (1, 10)},
}  # fmt: skip
BINARY = (
    "Add", "And", "BitwiseAnd", "BitwiseOr", "BitwiseXor", "Div", "Equal", "Greater", "GreaterOrEqual", "Less",
    "LessOrEqual", "Mul", "Or", "Sub", "Xor", "PRelu",
)  # fmt: skip


@strategy(*UNARY, *FACTORS)
def unary(b: Build, op: str) -> None:
    data = b.data(b.dtype(op, "T" if types_of(op, b.opset, "T") else "T1"), b.dims())
    if op == "Det":
        side = b.number(1, 4)
        data = b.data(b.dtype(op), (*b.dims(0, 3), side, side))
    b.node(op, [data], **b.some(**{name: b.one(*values) for name, values in FACTORS.get(op, {}).items()}))


@strategy(*BINARY)
def binary(b: Build, op: str) -> None:
    dtype, shape = b.dtype(op), b.dims()
    operands = [operand(b, dtype, shape), operand(b, dtype, broadcast(b, shape))]
    if op != "PRelu" and b.chance(0.3):
        operands.reverse()
    b.node(op, operands)


@strategy("Max", "Min", "Mean", "Sum")
def variadic(b: Build, op: str) -> None:
    dtype, shape = b.dtype(op), b.dims()
    others = [operand(b, dtype, broadcast(b, shape) if b.opset > 7 else shape) for _ in range(b.number(0, 3))]
    b.node(op, [b.data(dtype, shape), *others])


@strategy("Pow")
def power(b: Build, op: str) -> None:
    dtype, shape = b.dtype(op), b.dims()
    other = dtype if b.opset < 12 or b.chance(0.6) else b.dtype(op, "T1")
    b.node(op, [b.data(dtype, shape), operand(b, other, broadcast(b, shape))])


@strategy("Mod")
def modulo(b: Build, op: str) -> None:
    dtype, shape = b.dtype(op), b.dims()
    whole = dtype not in ("FLOAT", "FLOAT16", "DOUBLE", "BFLOAT16")
    fmod = {"fmod": 1} if not whole and b.chance(0.95) else b.some(fmod=b.one(0, 1))
    b.node(op, [b.data(dtype, shape), operand(b, dtype, broadcast(b, shape))], **fmod)


@strategy("BitShift")
def shift(b: Build, op: str) -> None:
    dtype, shape = b.dtype(op), b.dims()
    b.node(op, [b.data(dtype, shape), operand(b, dtype, broadcast(b, shape))], direction=b.one("LEFT", "RIGHT"))


@strategy("Where")
def where(b: Build, op: str) -> None:
    dtype, shape = b.dtype(op), b.dims()
    parts = [operand(b, "BOOL", broadcast(b, shape)), operand(b, dtype, shape), operand(b, dtype, broadcast(b, shape))]
    b.node(op, parts)


@strategy("Clip")
def clip(b: Build, op: str) -> None:
    dtype, shape = b.dtype(op), b.dims()
    if b.opset < 11:
        b.node(op, [b.data(dtype, shape)], **b.some(min=b.one(-1.0, 0.0), max=b.one(1.0, 6.0)))
        return
    low = b.one(None, b.scalar(dtype, 0), b.scalar(dtype, 0), b.weights(dtype, b.one((), (1,))))
    high = b.one(None, b.scalar(dtype, 6), b.scalar(dtype, 6), b.data(dtype, ()))
    b.node(op, [b.data(dtype, shape), low, high])


@strategy("Cast", "CastLike")
def cast(b: Build, op: str) -> None:
    source = b.dtype(op, "T1")
    target = b.dtype(op, "T2")
    data = b.data(source, b.dims())
    more = b.some(saturate=b.one(0, 1)) if b.opset > 18 else {}
    if op == "Cast":
        b.node(op, [data], to=type_number(target), **more)
    else:
        b.node(op, [data, operand(b, target, b.dims(0, 2))], **more)


@strategy("Dropout")
def dropout(b: Build, op: str) -> None:
    dtype = b.dtype(op)
    data = b.data(dtype, b.dims())
    count = b.one(1, 1, 2)
    if b.opset < 12:
        b.node(op, [data], count, **b.some(ratio=0.3))
        return
    ratio = b.one(None, b.scalar(b.dtype(op, "T1"), 0.3))
    mode = b.one(None, None, b.constant("BOOL", (), np.array(b.one(True, False, False))))
    b.node(op, [data, ratio, mode], count, **b.some(seed=1))
