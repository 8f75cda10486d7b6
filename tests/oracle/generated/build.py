"""A random model under construction: operands of every kind, nodes, and what onnx infers about their results."""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

Shape = tuple[int, ...]
TYPES = tuple(name for name, _ in TensorProto.DataType.items() if name != "UNDEFINED")
_TYPED = ("FLOAT", "FLOAT16", "BFLOAT16", "DOUBLE", "INT64", "INT32", "INT8", "UINT8", "BOOL")
_WEIGHTS = {"FLOAT": 30, "FLOAT16": 12, "INT64": 6, "INT32": 6, "INT8": 4, "BOOL": 4, "BFLOAT16": 3, "UINT8": 3}


class Value(NamedTuple):
    """A named tensor as the maker of the model knows it."""

    name: str
    dtype: str
    """Empty if it is no tensor, or nothing is known."""
    shape: Shape | None
    type: Any = None
    """TypeProto; None where inference knows none."""
    array: Any = None
    """Its elements, where they are constant and written down."""

    @property
    def rank(self) -> int:
        return len(self.shape or ())


class Build:
    """A graph that grows; `outer` is the one around it, for the branches and bodies of control flow."""

    def __init__(self, draw: random.Random, opset: int, outer: Build | None = None) -> None:
        self.draw = draw
        self.opset = opset
        self.outer = outer
        self.nodes: list[Any] = []
        self.inputs: list[Any] = []
        self.initializers: list[Any] = []
        self.values: list[Value] = []
        self.functions: list[Any] = []
        self.uses_initializers = True
        self.names: Iterable[int] = outer.names if outer else iter(range(1_000_000))
        self.current: Value | None = None
        """What the next node of a network should take, if it can."""
        self.spoilt = -1
        """Placements until one gets another type or shape than asked for; never if negative."""
        self.broken = -1
        """Nodes until one gets an attribute or an arity that its schema may forbid."""

    # Chances.

    def chance(self, probability: float) -> bool:
        return self.draw.random() < probability

    def one(self, *choices: Any) -> Any:
        return self.draw.choice(choices)

    def number(self, least: int, most: int) -> int:
        return self.draw.randint(least, most)

    def some(self, **attributes: Any) -> dict[str, Any]:
        """Attributes of which each is written or left out."""
        return {name: value for name, value in attributes.items() if value is not None and self.chance(0.55)}

    def dims(self, least: int = 0, most: int = 8, largest: int = 6) -> Shape:
        """A shape: mostly of few dimensions, now and then of none, of eight, or with a length of zero."""
        if (least, most) == (0, 8) and self.chance(0.003):
            return self.one((1, 2**31), (1, 2**31 - 1), (2**20, 2**20), (2**21, 2**20), (2**16, 2**16))
        taken = self.current.shape if self.current else None
        if taken is not None and least <= len(taken) <= most and self.chance(0.8):
            return taken
        ranks = [rank for rank in (0, 1, 2, 2, 3, 3, 4, 4, 4, 4, 5, 6, 7, 8) if least <= rank <= most] or [least]
        rank = self.draw.choice(ranks)
        cap = largest if rank < 6 else 3
        shape = [self.number(1, cap) for _ in range(rank)]
        if rank and self.chance(0.015):
            shape[self.number(0, rank - 1)] = 0
        return tuple(shape)

    def image(self, least: int = 3) -> Shape | None:
        """The shape with batch, channels and an image that the next node should take; None if there is none."""
        taken = self.current.shape if self.current else None
        return taken if taken is not None and least <= len(taken) <= 5 and all(taken) else None

    def dtype(self, op: str, variable: str = "T", among: Sequence[str] = ()) -> str:
        """An element type that the operator takes; now and then another one."""
        if self.chance(0.02):
            return self.draw.choice(TYPES)
        allowed = [name for name in types_of(op, self.opset, variable) if not among or name in among]
        if self.current and self.current.dtype in allowed and self.chance(0.9):
            return self.current.dtype
        return self.weighted(allowed or list(among) or ["FLOAT"])

    def weighted(self, names: Sequence[str]) -> str:
        return self.draw.choices(names, [_WEIGHTS.get(name, 1) for name in names])[0]

    # Operands.

    def name(self, prefix: str) -> str:
        return f"{prefix}{next(self.names)}"  # type: ignore[call-overload]

    def data(self, dtype: str, shape: Shape) -> Value:
        """What a network computes with: something that is there already, an input, or now and then a constant."""
        fitting = [one for one in self.visible() if one.type and one.dtype == dtype and one.shape == tuple(shape)]
        if fitting and self.chance(0.7):
            return self.draw.choice(fitting)
        kind = self.draw.choices(("input", "computed", "constant"), (80, 14, 6))[0]
        if kind == "constant":
            return self.constant(dtype, shape)
        value = self.network_input(dtype, shape)
        return self.through(value) if kind == "computed" else value

    def weights(self, dtype: str, shape: Shape, array: Any = None) -> Value:
        """A parameter: mostly a constant."""
        if self.chance(0.1):
            return self.network_input(dtype, shape)
        return self.constant(dtype, shape, array)

    def ints(self, values: Sequence[int] | int, dtype: str = "INT64") -> Value:
        """Numbers that say what a node does; a single one is a scalar."""
        array = np.array(values)
        if self.chance(0.04):
            return self.network_input(dtype, array.shape)
        return self.constant(dtype, array.shape, array)

    def scalar(self, dtype: str, value: float) -> Value:
        return self.constant(dtype, (), np.array(value))

    def constant(self, dtype: str, shape: Shape, array: Any = None) -> Value:
        """An initializer, a Constant node, or something computed of one."""
        if math.prod(shape) > 200_000:
            return self.network_input(dtype, shape)  # nobody writes that down
        dtype, shape, array = self._spoil(dtype, tuple(shape), array)
        elements = self.elements(dtype, shape) if array is None or dtype == "STRING" else np.asarray(array)
        tensor = tensor_of(self.name("w"), dtype, elements)
        kind = self.draw.choices(("initializer", "node", "computed"), (75, 12, 13))[0]
        scope = self.outer if self.outer and self.chance(0.3) and kind == "initializer" else self
        if not scope.uses_initializers and kind != "computed":
            kind = "node"
        if kind == "node" and (dtype in types_of("Constant", self.opset, "T") or not scope.uses_initializers):
            return self.node("Constant", [], value=tensor)[0]._replace(array=elements)
        if kind == "computed" and not self.uses_initializers:
            value = self.node("Constant", [], value=tensor)[0]
            return self.through(value)._replace(array=elements)
        scope.initializers.append(tensor)
        if scope.chance(0.2) and elements.size < 64 and dtype in _TYPED:
            scope.initializers[-1] = tensor = typed(tensor, dtype, elements)
        value = Value(
            tensor.name, dtype, elements.shape, helper.make_tensor_type_proto(type_number(dtype), elements.shape)
        )
        value = value._replace(array=elements)
        return self.through(value)._replace(array=elements) if kind == "computed" else value

    def network_input(self, dtype: str, shape: Shape) -> Value:
        """A new input of the outermost graph."""
        root: Build = self
        while root.outer:
            root = root.outer
        dtype, shape, _ = self._spoil(dtype, tuple(shape), None)
        kind = helper.make_tensor_type_proto(type_number(dtype), shape)
        value = Value(self.name("x"), dtype, shape, kind)
        root.inputs.append(helper.make_value_info(value.name, kind))
        root.values.append(value)
        return value

    def through(self, value: Value) -> Value:
        """The same value behind a node that does not change what is known about it."""
        return self.node(self.one("Identity", "Identity", *_UNCHANGED.get(value.dtype, ())), [value])[0]

    def visible(self) -> list[Value]:
        return [*self.values, *(self.outer.visible() if self.outer else ())]

    def elements(self, dtype: str, shape: Shape) -> Any:
        if dtype == "STRING":
            return np.full(shape, "a", dtype=object)
        source = np.random.default_rng(self.draw.getrandbits(32))
        if dtype == "BOOL":
            return source.integers(0, 2, shape).astype(bool)
        if "INT" in dtype:
            return source.integers(0 if dtype.startswith("U") else -1, 3, shape)
        return np.round(source.uniform(-2, 2, shape), 2)

    def _spoil(self, dtype: str, shape: Shape, array: Any) -> tuple[str, Shape, Any]:
        self.spoilt -= 1
        if self.spoilt != 0:
            return dtype, shape, array
        if self.chance(0.5):
            other = self.one(*TYPES[:13], "BFLOAT16", "FLOAT16", "FLOAT", "INT32", "INT8")
            return (dtype, shape, array) if other in ("STRING", "COMPLEX64") else (other, shape, array)
        kind = self.one("rank", "dim", "zero", "scalar")
        if kind == "rank":
            return dtype, (1, *shape), None if array is None else np.asarray(array)[None]
        if kind == "scalar":
            return dtype, (), None if array is None or not np.size(array) else np.asarray(array).flat[0]
        if not shape:
            return dtype, (2,), None
        at = self.number(0, len(shape) - 1)
        return dtype, tuple(0 if i == at and kind == "zero" else d + (i == at) for i, d in enumerate(shape)), None

    # Nodes.

    def node(self, op: str, inputs: Sequence[Value | None], outputs: int = 1, domain: str = "", **attributes: Any
        ) -> list[Value]:  # fmt: skip
        """Add a node; its results with the types that onnx infers."""
        given = list(inputs)
        if domain == "" and op not in ("Constant", "If", "Loop", "Scan"):
            self.broken -= 1
            if self.broken == 0:
                self._break(op, given, attributes)
        while given and given[-1] is None and not self.chance(0.15):
            given.pop()
        names = [value.name if value else "" for value in given]
        results = [self.name("t") for _ in range(outputs)]
        node = helper.make_node(op, names, results, name="" if self.chance(0.05) else self.name("n"), domain=domain)
        node.attribute.extend(_attribute(key, value) for key, value in sorted(attributes.items()))
        if len(results) > 1 and self.chance(0.03):
            node.output[self.number(1, len(results) - 1)] = ""
        inferred = self._infer(node, given)
        self.nodes.append(node)
        found = [_value(name, inferred.get(name)) for name in results]
        self.values += [value for value, name in zip(found, node.output, strict=True) if name]
        return found

    def _break(self, op: str, inputs: list[Value | None], attributes: dict[str, Any]) -> None:
        kind = self.one("drop", "number", "unknown", "input", "omit")
        numbers = [key for key, value in attributes.items() if type(value) is int]
        if kind == "drop" and attributes:
            del attributes[self.draw.choice(sorted(attributes))]
        elif kind == "number" and numbers:
            attributes[self.draw.choice(sorted(numbers))] += self.one(-3, -1, 1, 2, 100)
        elif kind == "unknown":
            attributes["broadcast"] = 1
        elif kind == "input" and self.values:
            inputs.append(self.draw.choice(self.values))
        elif inputs:
            inputs[self.number(0, len(inputs) - 1)] = None

    def _infer(self, node: Any, inputs: Sequence[Value | None]) -> dict[str, Any]:
        """What onnx infers about the outputs; nothing where it refuses the node."""
        schema = schema_of(node.op_type, self.opset, node.domain)
        if schema is None:
            return {}
        counts = {part.name: part.i for part in node.attribute if part.name in ("num_outputs", "batch_dims")}
        if counts.get("num_outputs", len(node.output)) < len(node.output) or counts.get("batch_dims", 0) < 0:
            return {}  # the library takes the process with it
        known = [value for value in inputs if value is not None]
        types = {value.name: value.type for value in known if value.type is not None}
        data = {
            value.name: tensor_of(value.name, value.dtype, value.array)
            for value in known
            if value.array is not None and value.dtype in ("INT64", "INT32", "FLOAT") and value.array.size < 64
        }
        imports = [helper.make_opsetid("", self.opset)]
        try:
            return dict(onnx.shape_inference.infer_node_outputs(schema, node, types, data, None, imports, 10))
        except Exception:  # the model may be wrong on purpose; then the others are to say so
            return {}


def _attribute(name: str, value: Any) -> Any:
    return helper.make_attribute(name, value, attr_type=onnx.AttributeProto.INTS if value == [] else None)


_UNCHANGED = {
    "FLOAT": ("Relu", "Abs", "Neg", "Dropout"), "FLOAT16": ("Relu", "Abs"), "INT32": ("Abs",), "BOOL": ("Not",),
}  # fmt: skip


def _value(name: str, kind: Any) -> Value:
    if kind is None or not kind.HasField("tensor_type"):
        return Value(name, "", None, kind)
    tensor = kind.tensor_type
    dtype = TensorProto.DataType.Name(tensor.elem_type) if tensor.elem_type else ""
    dims = tensor.shape.dim if tensor.HasField("shape") else ()
    fixed = tensor.HasField("shape") and all(dim.HasField("dim_value") and dim.dim_value >= 0 for dim in dims)
    return Value(name, "" if dtype == "UNDEFINED" else dtype, tuple(d.dim_value for d in dims) if fixed else None, kind)


def type_number(dtype: str) -> int:
    return int(TensorProto.DataType.Value(dtype))


def tensor_of(name: str, dtype: str, array: Any) -> Any:
    """A TensorProto of that element type."""
    with np.errstate(all="ignore"):
        found = numpy_helper.from_array(
            np.asarray(array).astype(helper.tensor_dtype_to_np_dtype(type_number(dtype))), name
        )
    found.data_type = type_number(dtype)
    return found


def typed(tensor: Any, dtype: str, array: Any) -> Any:
    """The same tensor with its elements in the field of their type."""
    return helper.make_tensor(
        tensor.name, type_number(dtype), array.shape, numpy_helper.to_array(tensor).flatten().tolist()
    )


@cache
def schema_of(op: str, opset: int, domain: str = "") -> Any:
    """The schema of an operator; None if the operator set has none that is in force."""
    try:
        found = onnx.defs.get_schema(op, opset if domain == "" else 5, domain)
    except onnx.defs.SchemaError:
        return None
    return None if found.deprecated else found


@cache
def types_of(op: str, opset: int, variable: str) -> tuple[str, ...]:
    """Element types that a type variable of an operator may stand for."""
    schema = schema_of(op, opset)
    if schema is None:
        return ()
    named = {part.type_param_str: part.allowed_type_strs for part in schema.type_constraints}
    return tuple(sorted(text[7:-1].upper() for text in named.get(variable, ()) if text.startswith("tensor(")))
