"""Shapes that ONNX's inference leaves open although they are fixed, above all in the bodies of loops.

ONNX lets a value change its shape from one iteration to the next, so its inference forgets the shapes of what a Loop
carries. They are found by induction: a value keeps the shape it enters with if the body, given that shape, hands on
the same. A nested graph is inferred without the constants around it, which its axes often are; they are lent to it.
"""

from __future__ import annotations

from typing import Any

from safecheck.ir.protos import (
    proto_from_tensor,
    tensor_from_constant,
    tensor_from_proto,
    tensor_from_value_info,
    value_info,
    writable,
)
from safecheck.ir.signature import UNKNOWN, UNKNOWN_TENSOR, Tensor
from safecheck.ir.walk import holds_graphs, is_standard, subgraphs
from safecheck.values import dataclass

# ONNX gives these no inference of their own; the result is like the first input.
_LIKE_FIRST_INPUT = frozenset({"GroupNormalization", "MeanVarianceNormalization"})
_CONDITION = 1
_FIRST_CARRIED = 2


@dataclass(slots=True)
class _Names:
    """What is known about the values that a graph can see."""

    tensors: dict[str, Tensor]
    around: _Names | None = None

    def find(self, name: str) -> Tensor:
        names: _Names | None = self
        while names is not None:
            if name in names.tensors:
                return names.tensors[name]
            names = names.around
        return UNKNOWN_TENSOR

    def add_results(self, node: Any) -> None:
        """Note what a node computes: nothing is known about it here but the value of a Constant."""
        if node.op_type == "Constant" and len(node.output) == 1:
            self.tensors[node.output[0]] = tensor_from_constant(node.attribute)
        else:
            self.tensors.update(dict.fromkeys(node.output, UNKNOWN_TENSOR))


def needed(model: Any) -> bool:
    """Whether a model has anything to complete."""
    return any(holds_graphs(node) or node.op_type in _LIKE_FIRST_INPUT for node in model.graph.node)


def lend_constants(graph: Any, around: _Names | None = None) -> None:
    """Give every nested graph copies of the small constants around it that it uses."""
    names = _Names({}, around)
    for value in graph.input:
        names.tensors[value.name] = UNKNOWN_TENSOR
    names.tensors.update((tensor.name, tensor_from_proto(tensor)) for tensor in graph.initializer)
    for node in graph.node:
        names.add_results(node)
    for name in sorted({name for node in graph.node for name in node.input if name not in names.tensors}):
        found = names.find(name)
        if writable(found):
            graph.initializer.append(proto_from_tensor(name, found))
    for node in graph.node:
        for nested in subgraphs(node):
            lend_constants(nested, names)


class Completion:
    """Completes a model round by round: what is found is declared, and inference carries it on."""

    def __init__(self) -> None:
        self._refused: set[tuple[str, int]] = set()

    def declare(self, model: Any, inferred: Any) -> bool:
        """Declare in `model` what follows from `inferred`, its typed copy; True if that is anything new."""
        return self._graph(model.graph, inferred.graph, None, "")

    def _graph(self, graph: Any, inferred: Any, around: _Names | None, path: str) -> bool:
        names = _Names({}, around)
        for values in (inferred.value_info, inferred.output, inferred.input):
            names.tensors.update((value.name, tensor_from_value_info(value)) for value in values)
        names.tensors.update((tensor.name, tensor_from_proto(tensor)) for tensor in inferred.initializer)
        changed = False
        for index, (node, typed) in enumerate(zip(graph.node, inferred.node, strict=True)):
            if node.op_type == "Constant" and len(node.output) == 1:
                names.tensors[node.output[0]] = tensor_from_constant(node.attribute)
            place = f"{path}/{index}"
            for number, (body, typed_body) in enumerate(zip(subgraphs(node), subgraphs(typed), strict=True)):
                changed |= self._graph(body, typed_body, names, f"{place}:{number}")
            if not is_standard(node):
                continue
            if node.op_type == "Loop":
                changed |= self._loop(graph, node, typed, names, place)
            elif node.op_type in _LIKE_FIRST_INPUT and node.output:
                changed |= _promise(graph, node.output[0], names.find(node.input[0]))
        return changed

    def _loop(self, graph: Any, node: Any, typed: Any, names: _Names, place: str) -> bool:
        body, typed_body = next(subgraphs(node), None), next(subgraphs(typed), None)
        if body is None or typed_body is None:
            return False
        given = names.find(node.input[_CONDITION]) if len(node.input) > _CONDITION else UNKNOWN_TENSOR
        shape = () if given.dims is UNKNOWN else given.dims
        changed = _enter(body, 0, Tensor("INT64", ())) | _enter(body, _CONDITION, Tensor("BOOL", shape))
        carried = len(node.input) - _FIRST_CARRIED
        for number in range(min(carried, len(body.input) - _FIRST_CARRIED, len(body.output) - 1, len(node.output))):
            entering = names.find(node.input[_FIRST_CARRIED + number])
            position, key = _FIRST_CARRIED + number, (place, number)
            if entering.dims is UNKNOWN or entering.dtype is None or key in self._refused:
                continue
            leaving = tensor_from_value_info(typed_body.output[1 + number])
            if _enter(body, position, entering):
                changed = True
            elif leaving.dims == entering.dims:
                changed |= _promise(graph, node.output[number], entering)
            else:
                self._refused.add(key)
                body.input[position].type.tensor_type.ClearField("shape")
                _withdraw(graph, node.output[number])
                changed = True
        return self._collected(graph, node, typed_body, names, carried) or changed

    def _collected(self, graph: Any, node: Any, body: Any, names: _Names, carried: int) -> bool:
        """What a Loop collects has a row for every iteration, which are known in number if nothing ends it early."""
        trips = names.find(node.input[0]).values if node.input and node.input[0] else None
        if not trips or not _goes_on(node, body, names):
            return False
        changed = False
        for name, value in zip(node.output[carried:], body.output[1 + carried :], strict=False):
            row = tensor_from_value_info(value)
            if name and row.dims is not UNKNOWN:
                changed |= _promise(graph, name, Tensor(row.dtype, (int(trips[0]), *row.dims)))
        return changed


def _enter(body: Any, position: int, tensor: Tensor) -> bool:
    """Declare an input of a body; True if that is new."""
    if position >= len(body.input) or tensor_from_value_info(body.input[position]).dims is not UNKNOWN:
        return False
    body.input[position].CopyFrom(value_info(body.input[position].name, tensor))
    return True


def _goes_on(node: Any, body: Any, names: _Names) -> bool:
    """Whether the condition of a Loop is true before it and in every iteration."""
    condition = node.input[_CONDITION] if len(node.input) > _CONDITION else ""
    if condition and names.find(condition).values != (True,):
        return False
    name = body.output[0].name
    producers = {part.output[0]: part for part in body.node if len(part.output) == 1}
    while name in producers and producers[name].op_type == "Identity":
        name = producers[name].input[0]
    if name in producers:
        part = producers[name]
        return part.op_type == "Constant" and tensor_from_constant(part.attribute).values == (True,)
    constants = {tensor.name: tensor_from_proto(tensor) for tensor in body.initializer}
    return name == body.input[1].name or (name in constants and constants[name].values == (True,))


def _promise(graph: Any, name: str, tensor: Tensor) -> bool:
    """Declare a value of a graph; True if it was not declared."""
    if not name or tensor.dims is UNKNOWN or tensor.dtype is None:
        return False
    outputs = [value for value in graph.output if value.name == name]
    places = outputs or [value for value in graph.value_info if value.name == name]
    if places and tensor_from_value_info(places[0]).dims == tensor.dims:
        return False
    place = places[0] if places else graph.value_info.add()
    place.CopyFrom(value_info(name, tensor))
    return True


def _withdraw(graph: Any, name: str) -> None:
    for value in [*graph.output, *graph.value_info]:
        if value.name == name:
            value.ClearField("type")
