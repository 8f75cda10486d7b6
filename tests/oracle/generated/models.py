"""A random model from one integer: an operator with what it needs, or a network of up to twelve nodes."""

from __future__ import annotations

import random
from functools import cache
from typing import NamedTuple

import onnx
from onnx import helper

from generated import control, elementwise, matrices, movement, others, quantisation, recurrent, reductions, windows
from generated.build import TYPES, Build, Value, schema_of
from generated.registry import add_node

FAMILIES = (control, elementwise, matrices, movement, others, quantisation, recurrent, reductions, windows)
"""Imported because their functions register themselves as makers of nodes."""
OLDEST, NEWEST = 7, 24
_RARE = ("ai.onnx.ml", "ai.onnx.preview.training", "ai.onnx.preview")
NETWORK, FUNCTION = "(network)", "(function)"


class Random(NamedTuple):
    """A model and where it comes from."""

    seed: int
    subject: str
    """The operator it is about, `(network)` or `(function)`."""
    opset: int
    model: bytes

    def __str__(self) -> str:
        return f"{self.subject} opset {self.opset}, seed {self.seed}"


@cache
def operators(opset: int) -> tuple[tuple[str, str], ...]:
    """Domain and name of every operator that is in force in an operator set."""
    found = sorted({(schema.domain, schema.name) for schema in onnx.defs.get_all_schemas_with_history()})
    return tuple((domain, name) for domain, name in found if schema_of(name, opset, domain) is not None)


def random_model(seed: int) -> Random:
    """The model of a number: the same wherever the same onnx is installed."""
    draw = random.Random(f"safecheck {seed}")
    opset = draw.randint(OLDEST, NEWEST)
    b = Build(draw, opset)
    if b.chance(0.1):
        b.spoilt = b.number(1, 4)
    elif b.chance(0.07):
        b.broken = b.number(1, 2)
    standard = [name for domain, name in operators(opset) if not domain]
    kind = draw.choices(("operator", "network", "function", "other domain"), (76, 17, 5, 2))[0]
    subject = NETWORK
    if kind == "operator":
        subject = draw.choice(standard)
        add_node(b, subject)
    elif kind == "other domain":
        domain, subject = draw.choice([entry for entry in operators(opset) if entry[0] in _RARE])
        add_node(b, subject, domain)
    elif kind == "function":
        subject = FUNCTION
        _call(b, standard)
    else:
        chosen = [draw.choice(_COMMON if b.chance(0.7) else standard) for _ in range(b.number(2, 12))]
        for name in chosen:
            if schema_of(name, opset) is not None and len(b.nodes) < 12:
                made = [value for value in b.values if value.dtype and value.shape is not None]
                b.current = made[-1] if made and b.chance(0.8) else None
                add_node(b, name)
    return Random(seed, subject, opset, _finished(b).SerializeToString())


_COMMON = (
    "Conv", "Conv", "Relu", "Add", "Mul", "MaxPool", "AveragePool", "GlobalAveragePool", "BatchNormalization", "Concat",
    "Reshape", "Transpose", "MatMul", "Gemm", "Softmax", "Sigmoid", "Slice", "Gather", "Shape", "Unsqueeze", "Squeeze",
    "Cast", "ReduceMean", "Resize", "Pad", "Clip", "Sub", "Div", "Pow", "Sqrt", "Where", "Expand", "Split", "Flatten",
    "LayerNormalization", "Tanh", "ConvTranspose", "LSTM", "QuantizeLinear", "Constant", "If",
)  # fmt: skip


def _call(b: Build, standard: list[str]) -> None:
    """A local function of one to three nodes, called once or twice."""
    inner = Build(b.draw, b.opset, None)
    inner.names, inner.uses_initializers = b.names, False
    for _ in range(b.number(1, 3)):
        name = b.draw.choice(_COMMON if b.chance(0.6) else standard)
        if schema_of(name, b.opset) is not None:
            made = [value for value in inner.values if value.dtype and value.shape is not None]
            inner.current = made[-1] if made and b.chance(0.8) else None
            add_node(inner, name)
    if not inner.nodes:
        add_node(inner, "Relu")
    inputs = [value for value in inner.values if value.name in {entry.name for entry in inner.inputs}]
    outputs = _unused(inner) or inner.values[-1:]
    names = [value.name for value in outputs]
    imports = [helper.make_opsetid("", b.opset)]
    b.functions.append(helper.make_function("local", "F", [v.name for v in inputs], names, inner.nodes, imports))
    for _ in range(b.one(1, 1, 2)):
        given = [b.data(value.dtype, value.shape or ()) for value in inputs]
        results = b.node("F", given, len(names), "local")
        for known, result in zip(outputs, results, strict=True):
            if result in b.values:
                b.values.remove(result)
                b.values.append(result._replace(dtype=known.dtype, shape=known.shape, type=known.type))


def _unused(b: Build) -> list[Value]:
    used = {name for node in b.nodes for name in node.input}
    made = {name for node in b.nodes for name in node.output}
    return [value for value in b.values if value.name in made and value.name not in used]


def _finished(b: Build) -> onnx.ModelProto:
    draw = b.draw
    outputs = _unused(b)
    if len(outputs) > 1 and b.chance(0.1):
        outputs = outputs[:-1]  # a node that nobody listens to
    middle = [value for value in b.values if value not in outputs and value.name[0] == "t"]
    if middle and b.chance(0.1):
        outputs.append(draw.choice(middle))
    if not outputs and b.values:
        outputs = b.values[-1:]
    if b.chance(0.04):
        b.network_input(draw.choice(TYPES), b.dims(0, 9) if b.chance(0.5) else (1,) * 9)
    if b.chance(0.04):
        dtype = draw.choice(TYPES)
        b.constant(dtype, b.dims(0, 3))
    if b.inputs and b.chance(0.01):
        outputs += [value for value in b.values if value.name == b.inputs[0].name]
    if b.chance(0.01):
        draw.shuffle(b.nodes)
    if b.inputs and b.chance(0.01):
        dims = draw.choice(b.inputs).type.tensor_type.shape.dim
        for dim in dims[:1]:
            dim.dim_param = "N"
    values = [_declared(b, value) for value in outputs]
    graph = helper.make_graph(b.nodes, "g", b.inputs, values, b.initializers)
    imports = [helper.make_opsetid("", b.opset)]
    imports += [helper.make_opsetid(domain, 5 if domain == "ai.onnx.ml" else 1) for domain in
        sorted({node.domain for node in b.nodes if node.domain})]  # fmt: skip
    known = [entry for entry in imports if entry.domain in ("", "ai.onnx.ml")]
    least = max(4 if b.chance(0.97) else 3, 8 if b.functions else 3, helper.find_min_ir_version_for(known))
    version = draw.randint(least, max(least, 11))
    model = helper.make_model(graph, opset_imports=imports, ir_version=version, functions=b.functions)
    if version < 4:
        known = [helper.make_tensor_value_info(t.name, t.data_type, tuple(t.dims)) for t in graph.initializer]
        model.graph.input.extend(known)
    return model


def _declared(b: Build, value: Value) -> onnx.ValueInfoProto:
    """A network output: with its shape, without it, with a symbol in it; with a guess where nothing is known."""
    if value.type is None:
        guess = next((other.dtype for other in b.values if other.dtype), "FLOAT")
        return helper.make_tensor_value_info(value.name, onnx.TensorProto.DataType.Value(guess), None)
    if value.dtype and b.chance(0.03):
        return helper.make_tensor_value_info(value.name, onnx.TensorProto.DataType.Value(value.dtype), None)
    if value.shape and b.chance(0.06):
        dims = [f"{value.name}_{axis}" if b.chance(0.5) else dim for axis, dim in enumerate(value.shape)]
        return helper.make_tensor_value_info(value.name, onnx.TensorProto.DataType.Value(value.dtype), dims)
    return helper.make_value_info(value.name, value.type)
