"""How to make a node of each operator that has a good chance to be legal; the schema alone makes the rest."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from onnx import helper

from generated.build import Build, Shape, Value, schema_of, tensor_of, types_of

Strategy = Callable[[Build, str], None]
STRATEGIES: dict[str, Strategy] = {}


def strategy(*operators: str) -> Callable[[Strategy], Strategy]:
    """Name the operators that a function makes nodes of."""

    def register(function: Strategy) -> Strategy:
        STRATEGIES.update(dict.fromkeys(operators, function))
        return function

    return register


def add_node(b: Build, op: str, domain: str = "") -> None:
    """Add a node of this operator, with whatever it needs around it."""
    made = STRATEGIES.get(op) if not domain else None
    if made is None or b.chance(0.03):
        by_schema(b, op, domain)
    else:
        made(b, op)


def by_schema(b: Build, op: str, domain: str = "") -> None:
    """A node of which nothing is known but its schema: operands of one shape, attributes of their types."""
    schema = schema_of(op, b.opset, domain)
    types: dict[str, str] = {}
    shape = b.dims()
    for part in schema.type_constraints:
        names = sorted(text[7:-1].upper() for text in part.allowed_type_strs if text.startswith("tensor("))
        types[part.type_param_str] = b.weighted(names) if names else ""
    inputs: list[Value | None] = []
    for part in schema.inputs:
        if part.option.name == "Optional" and b.chance(0.5):
            inputs.append(None)
            continue
        for _ in range(b.number(1, 4) if part.option.name == "Variadic" else 1):
            dtype = types.get(part.type_str) or (part.type_str[7:-1].upper() if part.type_str[:3] == "ten" else "")
            if not dtype:
                dtype = b.weighted(types_of("Identity", 13, "T"))
            inputs.append(b.data(dtype, shape if b.chance(0.8) else b.dims()))
    attributes = {
        name: _attribute(b, part) for name, part in sorted(schema.attributes.items()) if part.required or b.chance(0.3)
    }
    attributes = {name: value for name, value in attributes.items() if value is not None}
    most = max(schema.min_output, min(schema.max_output, 3))
    b.node(op, inputs, b.number(schema.min_output, most) or 1, domain, **attributes)


def _attribute(b: Build, part: Any) -> Any:
    kind = part.type.name
    default = helper.get_attribute_value(part.default_value) if part.default_value.type else None
    if kind == "INT":
        return default if default is not None and b.chance(0.3) else b.one(0, 1, 1, 2, 3, -1)
    if kind == "FLOAT":
        return default if default is not None and b.chance(0.3) else b.one(0.0, 0.5, 1.0, 2.0, -1.0)
    if kind == "STRING":
        return default if default is not None else "a"
    if kind == "INTS":
        return [b.number(0, 2) for _ in range(b.number(1, 4))]
    if kind == "FLOATS":
        return [b.one(0.5, 1.0, 2.0) for _ in range(b.number(1, 4))]
    if kind == "STRINGS":
        return ["a", "b"]
    if kind == "TENSOR":
        return tensor_of("", b.one("FLOAT", "INT64", "INT32"), np.ones(b.one((), (1,), (2,))))
    return None


def broadcast(b: Build, shape: Shape) -> Shape:
    """A shape that stretches to this one."""
    kind = b.one("same", "same", "same", "scalar", "ones", "tail", "tail")
    if kind == "same":
        return shape
    if kind == "scalar":
        return b.one((), (1,))
    if kind == "ones":
        return tuple(b.one(1, dim) for dim in shape)
    return tuple(b.one(dim, dim, 1) for dim in shape[b.number(0, len(shape)) :])


def operand(b: Build, dtype: str, shape: Shape) -> Value:
    return b.data(dtype, shape) if b.chance(0.6) else b.constant(dtype, shape)
