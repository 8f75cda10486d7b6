"""Branches, loops and scans."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from onnx import helper

from generated.build import Build, Value, schema_of, type_number
from generated.registry import add_node, strategy


def _inner(b: Build) -> Build:
    return Build(b.draw, b.opset, b)


def _closed(inner: Build, outputs: Sequence[Value], inputs: Sequence[Any] = ()) -> Any:
    values = [helper.make_value_info(value.name, value.type) if value.type is not None
        else helper.make_empty_tensor_value_info(value.name) for value in outputs]  # fmt: skip
    return helper.make_graph(inner.nodes, inner.name("g"), list(inputs), values, inner.initializers)


_CHEAP = ("Relu", "Sigmoid", "Add", "Mul", "Transpose", "Identity", "Neg", "Abs", "LRN", "Cast", "Softmax", "Exp")


@strategy("If")
def branch(b: Build, op: str) -> None:
    dtype, shape = b.one("FLOAT", "FLOAT", "FLOAT16", "INT32"), b.dims(1, 4)
    data = b.data(dtype, shape)
    data = data._replace(dtype=dtype, shape=shape, type=helper.make_tensor_type_proto(type_number(dtype), shape))
    branches = []
    for _ in range(2):
        inner = _inner(b)
        kind = b.one("unary", "binary", "constant", "any")
        if kind == "any":
            add_node(inner, b.draw.choice([name for name in _CHEAP if schema_of(name, b.opset)]))
        if kind == "constant":
            result = inner.constant(dtype, shape)
            result = inner.node("Identity", [result])[0]
        elif kind == "binary":
            (result,) = inner.node(b.one("Add", "Mul"), [data, inner.constant(dtype, shape)])
        else:
            (result,) = inner.node(b.one("Relu", "Abs", "Neg", "Identity"), [data])
        branches.append(_closed(inner, [result]))
    known = b.chance(0.4)
    condition = b.constant("BOOL", b.one((), (1,)), None) if known else b.data("BOOL", b.one((), (), (1,)))
    (result,) = b.node(op, [condition], then_branch=branches[0], else_branch=branches[1])
    b.values.pop()
    b.values.append(result._replace(dtype=dtype, shape=shape, type=data.type))


@strategy("Loop")
def loop(b: Build, op: str) -> None:
    dtype, shape = b.one("FLOAT", "FLOAT", "FLOAT16", "INT32"), b.dims(1, 4)
    data = b.data(dtype, shape)
    data = data._replace(dtype=dtype, shape=shape, type=helper.make_tensor_type_proto(type_number(dtype), shape))
    inner = _inner(b)
    count, going = inner.name("i"), inner.name("c")
    bool_type, int_type = helper.make_tensor_type_proto(9, ()), helper.make_tensor_type_proto(7, ())
    carried = Value(inner.name("v"), dtype, shape, data.type)
    inner.values += [carried]
    (state,) = inner.node(b.one("Relu", "Abs", "Neg", "Add"), [carried])
    if inner.nodes[-1].op_type == "Add":
        inner.nodes[-1].input.append(carried.name)
        state = state._replace(type=data.type, dtype=dtype, shape=shape)
    (condition,) = inner.node("Identity", [Value(going, "BOOL", (), bool_type)])
    scanned = inner.node("Identity", [state]) if b.chance(0.4) else []
    inputs = [
        helper.make_value_info(n, t) for n, t in ((count, int_type), (going, bool_type), (carried.name, data.type))
    ]
    body = _closed(inner, [condition, state, *scanned], inputs)
    trips = b.one(None, b.ints(b.number(0, 4)), b.ints(3), b.data("INT64", ()))
    start = b.one(None, b.constant("BOOL", (), np.array(True)), b.data("BOOL", ()))
    results = b.node(op, [trips, start, data], 1 + len(scanned), body=body)
    b.values[-len(results)] = results[0]._replace(dtype=dtype, shape=shape, type=data.type)


@strategy("Scan")
def scan(b: Build, op: str) -> None:
    dtype, shape = "FLOAT", b.dims(1, 3)
    inner = _inner(b)
    kinds = [helper.make_tensor_type_proto(type_number(dtype), shape)] * 2
    state, part = (Value(inner.name("v"), dtype, shape, kind) for kind in kinds)
    (total,) = inner.node("Add", [state, part])
    (copy,) = inner.node("Identity", [total])
    body = _closed(inner, [total, copy], [helper.make_value_info(v.name, v.type) for v in (state, part)])
    sequence = b.data(dtype, ((1,) if b.opset < 9 else ()) + (3, *shape))
    initial = b.data(dtype, ((1,) if b.opset < 9 else ()) + shape)
    b.node(op, [None, initial, sequence] if b.opset < 9 else [initial, sequence], 2, body=body, num_scan_inputs=1)
