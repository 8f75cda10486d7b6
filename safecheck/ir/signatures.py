"""The signature of every node of a graph, in order, and how each node stands to constants."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from safecheck.ir import folding
from safecheck.ir.exporter_patterns import idioms
from safecheck.ir.graph import OpGraph, OpNode
from safecheck.ir.schemas import attribute_value
from safecheck.ir.signature import WEIGHTED, Signature, Tensor
from safecheck.ir.walk import holds_graphs


@dataclass(frozen=True, slots=True)
class Occurrence:
    """A node of the graph with its signature."""

    node: OpNode
    signature: Signature
    computes_constant: bool
    """True if the node computes a constant, so that it can be folded before the build."""


def signatures(graph: OpGraph, folded: bool = True) -> Iterator[Occurrence]:
    """Every node once, in the order of the scopes; a scope's nodes come in file order, which is topological.

    With `folded`, the forms are those of the model after its constants were folded. Without, what nodes compute from
    constants is no constant in a signature: the file as it is, as the parser sees it.
    """
    names = idioms(graph)
    for scope in graph.scopes:
        for node in scope.nodes:
            yield _occurrence(node, names.get(id(node), ""), folded)


def _occurrence(node: OpNode, idiom: str, folded: bool) -> Occurrence:
    scope, proto = node.scope, node.proto
    opset = scope.opset
    lookup = scope.lookup
    inputs = [lookup(name) if name else None for name in proto.input]
    is_output = not scope.outputs.isdisjoint(proto.output)
    constant = [tensor is None or tensor.constant for tensor in inputs]
    fixed = [known or bool(tensor and tensor.computed) for known, tensor in zip(constant, inputs, strict=True)]
    # Most nodes have an operand that is neither constant nor computed from fixed shapes: ask no further.
    asked = not is_output and (all(fixed) or proto.op_type in folding.OF_SHAPE_ONLY)
    computes_constant = static = False
    if asked and folding.foldable(proto, opset) and not holds_graphs(proto):
        computes_constant = all(constant)
        static = not computes_constant and (all(fixed) or folding.reads_shape_only(proto, inputs[0]))
    if computes_constant or static:
        _remember(node, inputs, opset, computes_constant)
    signature = Signature(
        op_type=proto.op_type,
        domain=proto.domain,
        opset=opset,
        attributes=tuple(sorted(((part.name, attribute_value(part)) for part in proto.attribute), key=_name)),
        inputs=_seen(_kept(proto.op_type, inputs), folded),
        outputs=_seen([lookup(name) if name else None for name in proto.output], folded),
        is_output=is_output and scope.path == "",
        idiom=idiom,
        static_shapes_only=static,
    )
    return Occurrence(node, signature, computes_constant)


def _seen(tensors: list[Tensor | None], folded: bool) -> tuple[Tensor | None, ...]:
    """The tensors as weights or as values of the network; what nodes compute is weights only if it is folded."""
    if not any(tensor is not None and tensor.computed for tensor in tensors):
        return tuple(tensors)
    changed = {"computed": ()} if folded else {"constant": False}
    return tuple(
        [tensor._replace(**changed) if tensor is not None and tensor.computed else tensor for tensor in tensors]
    )


def _kept(op_type: str, inputs: list[Tensor | None]) -> list[Tensor | None]:
    """The inputs without the elements of small weights, which would make every node a signature of its own."""
    if op_type not in WEIGHTED:
        return inputs
    return [tensor if tensor is None or tensor.values is None else tensor._replace(values=None) for tensor in inputs]


def _remember(node: OpNode, inputs: list[Tensor | None], opset: int, constant: bool) -> None:
    """Note what the node computes, and by which operators."""
    tensors, op_type = node.scope.tensors, node.proto.op_type
    before = {name for tensor in inputs if tensor is not None for name in tensor.computed}
    for position, name in enumerate(node.proto.output):
        if name:
            known = tensors.get(name, Tensor(None, None))
            values = folding.elements(node.proto, inputs, known, opset) if constant and position == 0 else None
            vector = known.shape is not None and len(known.shape) < 2
            computed = tuple(sorted({*before, op_type if vector else f"{op_type}:matrix"}))
            tensors[name] = known._replace(constant=constant, values=values, computed=computed)


def _name(attribute: tuple[str, object]) -> str:
    return attribute[0]
