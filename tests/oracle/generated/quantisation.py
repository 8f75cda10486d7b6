"""Quantised tensors."""

from __future__ import annotations

import math

import numpy as np

from generated.build import Build, Shape
from generated.registry import operand, strategy


@strategy("QuantizeLinear", "DequantizeLinear")
def quantised(b: Build, op: str) -> None:
    shape = b.dims()
    low = b.one("INT8", "INT8", "INT8", "UINT8", *(("FLOAT8E4M3FN", "INT4", "INT16") if b.opset > 18 else ()))
    low = b.one(low, "INT32") if op[0] == "D" and b.chance(0.1) else low
    high = "FLOAT" if b.opset < 19 else b.one("FLOAT", "FLOAT", "FLOAT16", "BFLOAT16")
    axis = b.number(-len(shape), len(shape) - 1) if shape else 0
    kind = b.one("tensor", "tensor", "axis", "axis", "block") if shape else "tensor"
    more = b.some(axis=axis) if b.opset > 12 and (kind != "tensor" or b.chance(0.2)) else {}
    axis = more.get("axis", 1)
    size: Shape = ()
    if math.prod(shape) > 10_000:
        pass
    elif kind == "axis" and b.opset > 12 and axis < len(shape):
        size = (shape[axis],)
    elif kind == "block" and b.opset > 20 and axis < len(shape) and shape[axis]:
        block = b.draw.choice([d for d in range(1, shape[axis] + 1) if shape[axis] % d == 0])
        size = tuple(d // block if i == axis % len(shape) else d for i, d in enumerate(shape))
        more["block_size"] = block
    elif b.chance(0.15):
        size = (1,)
    scale = b.weights(high, size, np.full(size, 0.5))
    zero = b.constant(low, size, np.zeros(size)) if b.chance(0.7) else None
    data = operand(b, low if op[0] == "D" else high, shape)
    results = b.node(op, [data, scale, zero], **more)
    if op[0] == "Q" and b.chance(0.6):
        b.node("DequantizeLinear", [results[0], scale, zero], **{k: v for k, v in more.items() if k != "saturate"})


@strategy("DynamicQuantizeLinear")
def dynamic(b: Build, op: str) -> None:
    b.node(op, [b.data("FLOAT", b.dims())], 3)
