"""The form of every node of a graph, in order, and how each node stands to constants."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from safecheck import folding
from safecheck.facts.schema import attribute_value
from safecheck.form import NodeForm, Tensor
from safecheck.graph import OpGraph, OpNode, Scope
from safecheck.idioms import idioms

# Operators of whose constant inputs no fact ever asks the elements.
_WEIGHTED = frozenset(
    {
        "BatchNormalization", "Conv", "ConvTranspose", "Gemm", "GroupNormalization", "InstanceNormalization",
        "LayerNormalization", "MatMul", "PRelu",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class FormedNode:
    """A node with its form."""

    node: OpNode
    form: NodeForm
    folded: bool
    """True if the node computes a constant that is assumed to be folded before the build."""


def forms(graph: OpGraph) -> Iterator[FormedNode]:
    """Every node once, in the order of the scopes; a scope's nodes come in file order, which is topological."""
    names = idioms(graph)
    fixed: set[tuple[int, str]] = set()
    for scope in graph.scopes:
        for node in scope.nodes:
            yield _formed(node, names.get(id(node), ""), fixed)


def _formed(node: OpNode, idiom: str, fixed: set[tuple[int, str]]) -> FormedNode:
    scope, proto = node.scope, node.proto
    opset = scope.opsets.get(proto.domain if proto.domain != "ai.onnx" else "", 0)
    lookup = scope.lookup
    inputs = [lookup(name) if name else None for name in proto.input]
    is_output = not scope.outputs.isdisjoint(proto.output)
    folded = static = False
    constant = [tensor is None or tensor.constant for tensor in inputs]
    # Most nodes have an operand that is neither constant nor computed from fixed shapes: ask no further.
    asked = not is_output and (all(constant) or bool(fixed) or proto.op_type in folding.OF_SHAPE_ONLY)
    if asked and folding.foldable(proto, opset) and not _holds_graphs(node):
        folded = all(constant)
        static = not folded and (
            folding.reads_shape_only(proto, inputs[0])
            or all(known or _defining(scope, name) in fixed for known, name in zip(constant, proto.input, strict=True))
        )
    if folded:
        _remember_constants(node, inputs, opset)
    elif static:
        fixed.update((id(scope), name) for name in proto.output)
    form = NodeForm(
        op_type=proto.op_type,
        domain=proto.domain,
        opset=opset,
        attributes=tuple(sorted(((part.name, attribute_value(part)) for part in proto.attribute), key=_name)),
        inputs=_kept(proto.op_type, inputs),
        outputs=tuple([lookup(name) if name else None for name in proto.output]),
        is_output=is_output and scope.path == "",
        idiom=idiom,
        static_shapes_only=static,
    )
    return FormedNode(node, form, folded)


def _kept(op_type: str, inputs: list[Tensor | None]) -> tuple[Tensor | None, ...]:
    """The inputs without the elements of small weights, which would make every node a form of its own."""
    if op_type not in _WEIGHTED:
        return tuple(inputs)
    return tuple(
        [tensor if tensor is None or tensor.values is None else tensor._replace(values=None) for tensor in inputs]
    )


def _holds_graphs(node: OpNode) -> bool:
    return any(attribute.HasField("g") or attribute.graphs for attribute in node.proto.attribute)


def _remember_constants(node: OpNode, inputs: list[Tensor | None], opset: int) -> None:
    tensors = node.scope.tensors
    for position, name in enumerate(node.proto.output):
        if name:
            known = tensors.get(name, Tensor(None, None))
            values = folding.elements(node.proto, inputs, known, opset) if position == 0 else None
            tensors[name] = known._replace(constant=True, values=values)


def _defining(scope: Scope, name: str) -> tuple[int, str]:
    current: Scope | None = scope
    while current is not None:
        if name in current.tensors or name in current.producers:
            return id(current), name
        current = current.parent
    return id(scope), name


def _name(attribute: tuple[str, object]) -> str:
    return attribute[0]
