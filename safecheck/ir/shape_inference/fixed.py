"""Types of a harmless network whose inputs have fixed shapes: one walk that asks about each kind of node once.

Inference of a whole model copies it four times, and every type becomes a message that has to be read again. Here the
library sees a node alone, and no second one of the same operator, attributes and operands. Whatever is not plain,
and every value that does not come out fixed, leaves the whole model to the library.
"""

from __future__ import annotations

from typing import Any

from safecheck.intake.dtypes import dtype_name
from safecheck.intake.onnx_library import library, messages
from safecheck.ir.protos import (
    proto_from_tensor,
    standalone,
    tensor_from_proto,
    tensor_from_value_info,
    value_info,
    writable,
)
from safecheck.ir.shape_inference.functions import FUNCTIONS, LEAST_OPSET, LIKE_FIRST
from safecheck.ir.shape_inference.harmless import BY_OPERANDS, PLAIN
from safecheck.ir.signature import UNKNOWN, Tensor
from safecheck.ir.walk import opset

_IR_VERSION = 4
"""The first one in which an initializer needs no input of its name."""
_MOST_ASKED = 200
"""Kinds of nodes that the library is asked about one by one; of more it is quicker about the whole model."""


def fixed_types(model: Any) -> dict[str, Tensor] | None:
    """The types of all values that nodes of a harmless ModelProto compute; None if one of them is not fixed.

    What the model declares about inner values and outputs is not looked at.
    """
    graph = model.graph
    types = {value.name: tensor_from_value_info(value) for value in graph.input}
    stored = {tensor.name: tensor for tensor in graph.initializer}
    if model.ir_version < _IR_VERSION or graph.sparse_initializer or not types.keys().isdisjoint(stored):
        return None  # a stored tensor that may be replaced from outside
    types.update((name, Tensor(dtype_name(tensor.data_type), tuple(tensor.dims))) for name, tensor in stored.items())
    if not all(map(_is_fixed, types.values())):
        return None
    asked = _Asked(model)
    found: dict[str, Tensor] = {}
    for node in graph.node:
        given = [types.get(name) for name in node.input]
        if node.domain or (None in given and any(name and name not in types for name in node.input)):
            return None
        results = asked.about(node, given, stored)
        if results is None or len(results) != len(node.output):
            return None
        for name, tensor in zip(node.output, results, strict=True):
            if name:
                if tensor is None or name in types:
                    return None
                types[name] = found[name] = tensor
    return found if all(output.name in found for output in graph.output) else None


def _is_fixed(tensor: Tensor) -> bool:
    return tensor.dtype is not None and tensor.dims is not UNKNOWN and all(tensor.dims)


class _Asked:
    """What is known about kinds of nodes."""

    def __init__(self, model: Any) -> None:
        self._opsets = model.opset_import
        self._has_functions = opset(model) >= LEAST_OPSET
        self._results: dict[object, tuple[Tensor | None, ...] | None] = {}
        self._same: dict[Tensor, Tensor] = {}
        self._left = _MOST_ASKED

    def about(self, node: Any, given: list[Tensor | None], stored: dict[str, Any]) -> tuple[Tensor | None, ...] | None:
        """The tensors that a node computes, None for an output without a name; None if they are not all fixed."""
        kind, attributes = node.op_type, node.attribute
        if kind in LIKE_FIRST and self._has_functions and len(given) == len(node.output) == 1 and given[0] is not None:
            return (given[0],)
        values: tuple[Tensor, ...] = ()
        if kind in BY_OPERANDS:
            if not all(name in stored for name in node.input[1:] if name):
                return None
            values = tuple([tensor_from_proto(stored[name]) for name in node.input[1:] if name])
        elif kind not in PLAIN:
            return None
        written = tuple([part.SerializeToString() for part in attributes]) if attributes else ()
        key = (kind, written, *given, values, tuple(map(bool, node.output)))
        if key not in self._results:
            self._results[key] = self._found(node, given, values)
        return self._results[key]

    def _found(
        self, node: Any, given: list[Tensor | None], values: tuple[Tensor, ...]
    ) -> tuple[Tensor | None, ...] | None:
        function = FUNCTIONS.get(node.op_type) if self._has_functions and None not in given else None
        result = function(node, given) if function and given and len(node.output) == 1 else None  # type: ignore[arg-type]
        results = [result] if result is not None else self._inferred(node, given, values)
        if not all(tensor is None or _is_fixed(tensor) for tensor in results):
            return None
        return tuple([tensor if tensor is None else self._same.setdefault(tensor, tensor) for tensor in results])

    def _inferred(self, node: Any, given: list[Tensor | None], values: tuple[Tensor, ...]) -> list[Tensor | None]:
        """What the library infers of a node alone; nothing at all if it has been asked too often."""
        self._left -= 1
        if self._left < 0 or not all(map(writable, values)):
            return []
        operands = {name: tensor for name, tensor in zip(node.input, given, strict=True) if tensor is not None}
        named = dict(zip(filter(None, node.input[1:]), values, strict=True)) if values else {}
        inputs = [value_info(name, tensor) for name, tensor in operands.items() if name not in named]
        constants = [proto_from_tensor(name, tensor) for name, tensor in named.items()]
        alone = standalone([node], inputs, (), constants, self._opsets, _IR_VERSION)
        inferred = messages().ModelProto()
        try:
            content = library().shape_inference.infer_shapes(alone.SerializeToString(), False, False, False)
        except MemoryError:
            raise
        except Exception:  # said about the whole model, which is asked next
            return []
        inferred.ParseFromString(content)
        known = {value.name: tensor_from_value_info(value) for value in inferred.graph.value_info}
        return [known.get(name, Tensor(None, None)) if name else None for name in node.output]
