"""The operator graph: every node of the main graph, of nested graphs and of model-local functions, exactly once.

Values are found by name along the chain of scopes, as ONNX defines it: a nested graph sees the values of the graphs
around it, a function sees only its own.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from functools import cached_property
from math import prod
from typing import Any

from safecheck.finding import Location
from safecheck.intake.dtypes import FLOATS
from safecheck.ir.protos import tensor_from_constant, tensor_from_proto, tensor_from_value_info
from safecheck.ir.signature import MAX_FLOATS, MAX_SCALES, UNKNOWN, UNKNOWN_TENSOR, Tensor
from safecheck.ir.walk import domain_of
from safecheck.values import dataclass, field

_SCALED = frozenset({"QuantizeLinear", "DequantizeLinear"})


class OpNode:
    """One node in its place."""

    __slots__ = ("index", "inputs", "op_type", "outputs", "proto", "scope")

    def __init__(self, scope: Scope, index: int, proto: Any) -> None:
        """`index` is the position in the node list of the scope, `proto` the NodeProto."""
        self.scope = scope
        self.index = index
        self.proto = proto
        # Kept, because a message makes a name anew whenever it is asked for it.
        self.op_type: str = proto.op_type
        self.inputs: tuple[str, ...] = tuple(proto.input)
        self.outputs: tuple[str, ...] = tuple(proto.output)

    @property
    def location(self) -> Location:
        """Where it stands, in words that a finding keeps."""
        proto = self.proto
        return Location(self.scope.path, self.index, proto.name, proto.op_type, proto.domain, tuple(proto.output))


@dataclass(eq=False)
class Scope:
    """One node list with the names it can see."""

    path: str
    """Empty for the main graph; `12:then_branch` for a graph held by node 12; `function:<domain>:<name>`."""
    parent: Scope | None
    opsets: dict[str, int]
    """Domain -> imported version; ai.onnx is the empty string."""
    symbols: frozenset[str]
    """Symbolic dimensions that the network inputs declare."""
    holder: tuple[int, str] | None = None
    """Position of the node of the scope around that holds this graph, and in which attribute; None for other scopes."""
    tensors: dict[str, Tensor] = field(default_factory=dict)
    """What is known about the values that this scope itself defines."""
    producers: dict[str, OpNode] = field(default_factory=dict)
    outputs: frozenset[str] = frozenset()
    initializers: tuple[str, ...] = ()
    given: set[str] = field(default_factory=set)
    """The values that no node computes: inputs and initializers."""
    nodes: list[OpNode] = field(default_factory=list)

    parameters: int = 0
    """Elements of the floating-point initializers."""

    @cached_property
    def readers(self) -> dict[str, list[OpNode]]:
        """The nodes of this scope by the values they read; a node that reads a value twice stands there twice."""
        found: dict[str, list[OpNode]] = {}
        for node in self.nodes:
            for name in node.inputs:
                found.setdefault(name, []).append(node)
        return found

    @property
    def opset(self) -> int:
        """The version that parsers take every node for: of ai.onnx, or the only one that is imported; 0 if unclear."""
        only = next(iter(self.opsets.values())) if len(self.opsets) == 1 else 0
        return self.opsets.get("", only)

    def lookup(self, name: str) -> Tensor:
        """The tensor a name stands for here."""
        scope: Scope | None = self
        while scope is not None:
            tensor = scope.tensors.get(name)
            if tensor is not None:
                return tensor
            scope = scope.parent
        return UNKNOWN_TENSOR

    def producer(self, name: str) -> OpNode | None:
        """The node that computes a value; None for inputs, initializers and unknown names."""
        scope: Scope | None = self
        while scope is not None:
            if name in scope.producers:
                return scope.producers[name]
            if name in scope.tensors:
                return None
            scope = scope.parent
        return None


@dataclass(frozen=True)
class OpGraph:
    """All scopes of a model; the first is the main graph."""

    scopes: tuple[Scope, ...]

    def __iter__(self) -> Iterator[OpNode]:
        for scope in self.scopes:
            yield from scope.nodes


def graph_of(model: Any, types: Mapping[str, Tensor] | None = None) -> OpGraph:
    """Collect the scopes of a ModelProto whose value types are the inferred ones; those of `types` it does not hold."""
    opsets = _opsets(model.opset_import)
    scopes: list[Scope] = []
    declared = _symbols(model.graph)
    _collect(model.graph, Scope("", None, opsets, declared, tensors=dict(types or {})), scopes)
    for function in model.functions:
        path = f"function:{function.domain}:{function.name}" + (f":{function.overload}" if function.overload else "")
        scope = Scope(path, None, _opsets(function.opset_import) or opsets, declared)
        scope.outputs = frozenset(function.output)
        scope.tensors.update(dict.fromkeys(function.input, UNKNOWN_TENSOR))
        scope.given.update(function.input)
        scopes.append(scope)
        _add_nodes(scope, function.node, scopes, _scales(function.node))
    return OpGraph(tuple(scopes))


def _symbols(graph: Any) -> frozenset[str]:
    """Names of the symbolic dimensions that network inputs declare.

    Inference invents names for dimensions it cannot compute; only the declared ones mean a dynamic shape.
    """
    shapes = (tensor_from_value_info(value).shape or () for value in graph.input)
    return frozenset(dim for shape in shapes for dim in shape if isinstance(dim, str))


def _opsets(imports: Any) -> dict[str, int]:
    return {domain_of(entry): int(entry.version) for entry in imports}


def _collect(graph: Any, scope: Scope, scopes: list[Scope]) -> None:
    scope.outputs = frozenset(output.name for output in graph.output)
    scopes.append(scope)
    for values in (graph.value_info, graph.output, graph.input):
        for value in values:
            scope.tensors[value.name] = tensor_from_value_info(value, scope.symbols)
    for value in graph.input if scope.parent is None else ():
        scope.tensors[value.name] = scope.tensors[value.name]._replace(network_input=True)
    scope.initializers = tuple([tensor.name for tensor in graph.initializer])
    scope.given.update((value.name for value in graph.input), scope.initializers)
    scales = _scales(graph.node)
    alike: dict[Tensor, Tensor] = {}
    for tensor in graph.initializer:
        known = tensor_from_proto(tensor, MAX_SCALES if tensor.name in scales else MAX_FLOATS)
        scope.tensors[tensor.name] = known if known.values else alike.setdefault(known, known)
        if known.dtype in FLOATS and known.dims is not UNKNOWN:
            scope.parameters += prod(known.dims)
    for sparse in graph.sparse_initializer:
        scope.tensors[sparse.values.name] = Tensor(None, tuple(sparse.dims), True)
        scope.given.add(sparse.values.name)
    _add_nodes(scope, graph.node, scopes, scales)


def _scales(nodes: Any) -> set[str]:
    """Names of scales and zero points of quantisation."""
    return {name for node in nodes if node.op_type in _SCALED for name in node.input[1:]}


def _add_nodes(scope: Scope, protos: Any, scopes: list[Scope], scales: Collection[str]) -> None:
    nodes, producers, tensors = scope.nodes, scope.producers, scope.tensors
    for index, proto in enumerate(protos):
        node = OpNode(scope, index, proto)
        nodes.append(node)
        for name in node.outputs:
            if name:
                producers[name] = node
        if node.op_type == "Constant" and len(node.outputs) == 1:
            most = MAX_SCALES if node.outputs[0] in scales else MAX_FLOATS
            tensors[node.outputs[0]] = tensor_from_constant(proto.attribute, most)
        for attribute in proto.attribute:
            if attribute.HasField("g"):
                inner = _nested(scope, index, attribute.name)
                _collect(attribute.g, inner, scopes)
                if proto.op_type == "Loop":
                    _mark_unset(inner, attribute.g.input, proto.input)
            for number, nested in enumerate(attribute.graphs):
                _collect(nested, _nested(scope, index, f"{attribute.name}[{number}]"), scopes)


def _mark_unset(body: Scope, inner: Any, given: Any) -> None:
    """Mark the iteration number and the condition of a Loop whose inputs of the same place are left out."""
    for position, value in enumerate(inner[:2]):
        if position >= len(given) or not given[position]:
            body.tensors[value.name] = body.tensors[value.name]._replace(unset=True)


def _nested(scope: Scope, index: int, attribute: str) -> Scope:
    step = f"{index}:{attribute}"
    path = f"{scope.path}/{step}" if scope.path else step
    return Scope(path, scope, scope.opsets, scope.symbols, (index, attribute))
