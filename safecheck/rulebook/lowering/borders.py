"""What the parser makes of the values at the borders of a graph: what enters it, used or not, and what leaves it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from typing import NamedTuple

from safecheck.finding import Grade
from safecheck.ir.graph import OpNode, Scope
from safecheck.ir.model import Model
from safecheck.ir.protos import tensor_from_value_info
from safecheck.ir.signature import UNKNOWN_TENSOR, Layer, Signature, Tensor
from safecheck.rulebook.lowering.lower import MAX_RANK, REFUSED, TENSOR_TYPE, refused_ranks
from safecheck.rulebook.lowering.table import Table

IO = "network:io"
"""A network input or output."""
NAMES = "network:names"
"""The values of one graph, as far as their names are concerned."""


class Border(NamedTuple):
    """One value at a border, as the layer that rules judge."""

    scope: str
    """Path of the graph."""
    name: str
    """Name of the value; empty for what is said about the whole graph."""
    tensor: Tensor
    layer: Layer


def borders(table: Table, model: Model, imported: Collection[Scope], read: Iterable[OpNode]) -> Iterator[Border]:
    """Network inputs, network outputs, then the initializers of every graph that is imported.

    `read` are the nodes of the file in the order in which the parser reads them, again for each call of their function.

    An initializer of the same name makes a network input none. The parser converts every input and initializer, used or
    not, before it looks at nodes (onnx-tensorrt ModelImporter: importInputs, convertOnnxWeights in parseGraph). A value
    that leaves the network without a node of its own gets a layer: a constant its own, an input an identity.
    """
    graph, main = model.proto.graph, model.graph.scopes[0]
    stored = frozenset(main.initializers)
    entering = [value for value in graph.input if value.name not in stored]
    for value in entering:
        tensor = tensor_from_value_info(value)
        yield _border(IO, value.name, tensor)
        yield from _refused(table, "", value.name, tensor)
    names = {value.name for value in entering}
    for value in graph.output:
        handed_on = value.name in stored or value.name in names  # inference says nothing about such an output
        tensor = main.tensors[value.name] if handed_on else tensor_from_value_info(value, main.symbols)
        yield _border(
            IO, value.name, tensor, "contradicts the model" if value.name in model.conflicting_outputs else ""
        )
        if tensor.dtype is not None:
            yield from _refused(table, "", value.name, tensor)
        if value.name in stored:
            yield _border("IConstantLayer", value.name, tensor)
        elif value.name in names:
            yield _border("IIdentityLayer", value.name, tensor)
    if table.local_functions:
        yield from _named_twice(read)
        yield from _unnamed_results(model, imported)
    for scope in model.graph.scopes:
        if scope in imported:
            for name in scope.initializers:
                yield from _refused(table, scope.path, name, scope.tensors[name])
            unnamed = sum(name == "" for node in scope.nodes for name in node.outputs)
            if unnamed:
                node = Signature("", "", 0, (), (), (None,) * unnamed)
                yield Border(scope.path, "", UNKNOWN_TENSOR, Layer(NAMES, None, node, (), ()))


def _unnamed_results(model: Model, imported: Collection[Scope]) -> Iterator[Border]:
    """Calls of functions one of whose outputs has no name: the parser hands over all of them (10.15, measured)."""
    functions = {(function.domain, function.name) for function in model.proto.functions}
    for scope in model.graph.scopes if functions else ():
        for node in scope.nodes if scope in imported else ():
            if (node.proto.domain, node.op_type) in functions and "" in node.outputs:
                what = "Every output of a function that is called must have a name."
                layer = Layer(REFUSED, what, Signature("", "", 0, (), (), ()), (), (), Grade.MEASURED.value)
                yield Border(scope.path, "", UNKNOWN_TENSOR, layer)


def _named_twice(read: Iterable[OpNode]) -> Iterator[Border]:
    """Two quantisation layers of one name: they are called like their nodes, and a second one is refused.

    All other layers get a name of their own (10.15, measured).
    """
    counts = Counter(
        node.proto.name or f"node_of_{node.outputs[0]}"
        for node in read
        if node.op_type in ("QuantizeLinear", "DequantizeLinear")
    )
    if any(count > 1 for count in counts.values()):
        what = "Nodes that quantise must have different names."
        layer = Layer(REFUSED, what, Signature("", "", 0, (), (), ()), (), (), Grade.MEASURED.value)
        yield Border("", "", UNKNOWN_TENSOR, layer)


def _border(type_: str, name: str, tensor: Tensor, role: str = "") -> Border:
    node = Signature("", "", 0, (), (), (tensor,))
    inputs = () if type_ in (IO, "IConstantLayer") else (tensor,)
    return Border("", name, tensor, Layer(type_, name if type_ == IO else None, node, inputs, (tensor,), role))


def _refused(table: Table, scope: str, name: str, tensor: Tensor) -> Iterator[Border]:
    if tensor.dtype in table.types and len(tensor.shape or ()) <= MAX_RANK:
        return
    node = Signature("", "", 0, (), (), (tensor,))
    if tensor.dtype not in table.types:
        layer = Layer(TENSOR_TYPE, tensor.dtype or "no tensor of one element type", node, (tensor,), ())
        yield Border(scope, name, tensor, layer)
    for layer in refused_ranks(node):
        yield Border(scope, name, tensor, layer)
