"""The signature of every node of a graph, in order, and how each node stands to constants."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from safecheck.ir import folding, neighbours
from safecheck.ir.exporter_patterns import idioms
from safecheck.ir.graph import OpGraph, OpNode, Scope
from safecheck.ir.schemas import attribute_value
from safecheck.ir.signature import UNKNOWN_TENSOR, WEIGHTED, Signature, Tensor
from safecheck.ir.walk import holds_graphs
from safecheck.values import dataclass


class Occurrence(NamedTuple):
    """A node of the graph with its signature."""

    node: OpNode
    signature: Signature
    computes_constant: bool
    """True if the node computes a constant, so that it can be folded before the build."""
    fixed: bool
    """True if what the node computes depends on nothing but constants and fixed shapes."""
    operands: tuple[Tensor | None, ...]
    """What is known of the inputs, with the elements of weights, which a signature leaves out."""

    @property
    def foldable(self) -> bool:
        """Whether folding constants changes the node: it computes one, or an operand of it is computed from some."""
        computed = any(tensor is not None and tensor.computed for tensor in self.operands)
        return self.computes_constant or self.signature.static_shapes_only or computed


@dataclass(frozen=True, slots=True)
class Signatures:
    """The nodes of a graph with their signatures, and what only these tell about its values."""

    nodes: tuple[Occurrence, ...]
    computed: Mapping[Scope, Mapping[str, Tensor]]
    """What nodes compute from constants and fixed shapes, by the scope they stand in; the graph does not say it."""

    def lookup(self, scope: Scope, name: str) -> Tensor:
        """The tensor a name stands for in a scope, as `Scope.lookup`, but with what nodes compute."""
        return _lookup(self.computed, scope, name)


def signatures(graph: OpGraph) -> Signatures:
    """Every node once, in the order of the scopes; a scope's nodes come in file order, which is topological.

    What nodes compute from constants is no constant in a signature: no parser folds, it sees the file as it is. Equal
    signatures are one object.
    """
    names = idioms(graph)
    computed: dict[Scope, dict[str, Tensor]] = {scope: {} for scope in graph.scopes}
    forms: dict[object, Signature] = {}
    nodes = tuple([_occurrence(node, names.get(id(node), ""), computed, forms) for node in graph])
    return Signatures(nodes, computed)


def _lookup(computed: Mapping[Scope, Mapping[str, Tensor]], scope: Scope, name: str) -> Tensor:
    at: Scope | None = scope
    while at is not None:
        tensor = computed[at].get(name) or at.tensors.get(name)
        if tensor is not None:
            return tensor
        at = at.parent
    return UNKNOWN_TENSOR


_LARGE = frozenset({4, 5, 9, 10, 11, 12})
"""AttributeProto.AttributeType of tensors and graphs, which are not written down to compare them."""


def _occurrence(
    node: OpNode, idiom: str, computed: dict[Scope, dict[str, Tensor]], forms: dict[object, Signature]
) -> Occurrence:
    scope, proto = node.scope, node.proto
    op_type, domain, opset, attributes = node.op_type, proto.domain, scope.opset, proto.attribute
    own, here = computed[scope], scope.tensors  # most names stand in the scope itself
    inputs = [
        own.get(name) or here.get(name) or _lookup(computed, scope, name) if name else None for name in node.inputs
    ]
    is_output = not scope.outputs.isdisjoint(node.outputs)
    settled = all(map(_is_settled, inputs))
    # Most nodes have an operand that is neither constant nor computed from fixed shapes: ask no further.
    asked = not is_output and (settled or op_type in folding.OF_SHAPE_ONLY)
    computes_constant = static = False
    if asked and folding.foldable(proto, opset) and not holds_graphs(proto):
        computes_constant = all(tensor is None or tensor.constant for tensor in inputs)
        static = not computes_constant and (settled or folding.reads_shape_only(proto, inputs[0]))
    if computes_constant or static:
        own.update(_results(node, inputs, opset, computes_constant))
    kept = tuple(_kept(op_type, inputs))
    outputs = tuple(
        [own.get(name) or here.get(name) or _lookup(computed, scope, name) if name else None for name in node.outputs]
    )
    leaves, beside = is_output and scope.path == "", neighbours.beside(node)
    key: object = node
    if _LARGE.isdisjoint([part.type for part in attributes]):
        written = tuple([part.SerializeToString() for part in attributes]) if attributes else ()
        key = (op_type, domain, opset, written, kept, outputs, leaves, idiom, static, beside)
    signature = forms.get(key)
    if signature is None:
        said = tuple(sorted(((part.name, attribute_value(part)) for part in attributes), key=_name))
        inner, outer = _seen(kept), _seen(outputs)
        signature = Signature(op_type, domain, opset, said, inner, outer, leaves, idiom, static, beside)
        # Python takes 1 for 1.0, but an attribute of another type is none that the operator has.
        signature = forms[key] = forms.setdefault((signature, repr(said)), signature)
    return Occurrence(node, signature, computes_constant, computes_constant or static, tuple(inputs))


def _is_settled(tensor: Tensor | None) -> bool:
    return tensor is None or tensor.constant or bool(tensor.computed)


def _seen(tensors: tuple[Tensor | None, ...]) -> tuple[Tensor | None, ...]:
    """The tensors as weights or as values of the network, which is what nodes compute."""
    for tensor in tensors:
        if tensor is not None and tensor.computed:
            return tuple([_as_value(tensor) for tensor in tensors])
    return tensors


def _as_value(tensor: Tensor | None) -> Tensor | None:
    return tensor._replace(constant=False) if tensor is not None and tensor.computed else tensor


def _kept(op_type: str, inputs: list[Tensor | None]) -> list[Tensor | None]:
    """The inputs without the elements of small weights, which would make every node a signature of its own."""
    if op_type not in WEIGHTED:
        return inputs
    return [tensor if tensor is None or tensor.values is None else tensor._replace(values=None) for tensor in inputs]


def _results(node: OpNode, inputs: list[Tensor | None], opset: int, constant: bool) -> dict[str, Tensor]:
    """What the node computes, and by which operators."""
    op_type, found = node.op_type, {}
    before = {name for tensor in inputs if tensor is not None for name in tensor.computed}
    if op_type in folding.OF_SHAPE_ONLY:
        before = set()  # the elements of the data, and what computes them, do not matter
    for position, name in enumerate(node.outputs):
        if name:
            known = node.scope.tensors.get(name, UNKNOWN_TENSOR)
            values = folding.elements(node.proto, inputs, known, opset) if constant and position == 0 else None
            vector = known.shape is not None and len(known.shape) < 2
            own = {op_type if vector else f"{op_type}:matrix"} if op_type not in folding.HANDS_ON else set()
            computed = tuple(sorted({*before, *own}))
            found[name] = known._replace(constant=constant, values=values, computed=computed)
    return found


def _name(attribute: tuple[str, object]) -> str:
    return attribute[0]
