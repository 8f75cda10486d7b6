"""Compute once what depends on constants and fixed shapes only, and keep the result as an initializer."""

from __future__ import annotations

from math import prod
from typing import Any

from safecheck.ir import folding
from safecheck.ir.protos import proto_from_array, standalone, value_info
from safecheck.ir.signature import UNKNOWN_TENSOR
from safecheck.ir.walk import entering, holds_graphs, is_standard
from safecheck.machine.single_run import single_run
from safecheck.rewrite.graph import MutableGraph, Node
from safecheck.rewrite.proof.runtime import RunError, Session
from safecheck.rewrite.shelf import Shelf

MAX_GROWTH = 64 << 20
"""Bytes that folding may add to a file; what would add more stays a node."""
_ITEM = 8
_QUANTISING = ("DequantizeLinear", "QuantizeLinear")


def fold(graph: MutableGraph) -> list[Node]:
    """Replace nodes by initializers; returns the nodes that are gone."""
    nodes = _constant_nodes(graph)
    members = set(nodes)
    needed = {name for node in graph.nodes if node not in members for name in node.reads}
    wanted = [name for node in nodes for name in node.output if name in needed]
    values = _evaluate(graph, nodes, wanted)
    kept = _makers(graph, [name for name in wanted if name not in values])
    gone = [node for node in nodes if node not in kept]
    for name in (name for node in gone for name in node.output if name in needed):
        graph.keep(name, values[name])
    for node in gone:
        graph.splice(node)
    return gone


def _makers(graph: MutableGraph, names: list[str]) -> set[Node]:
    """Every node that takes part in computing these values."""
    found: set[Node] = set()
    pending = list(names)
    while pending:
        node = graph.producer(pending.pop())
        if node is not None and node not in found:
            found.add(node)
            pending += node.reads
    return found


def _constant_nodes(graph: MutableGraph) -> list[Node]:
    """Nodes that depend on nothing but constants and fixed shapes, in order."""
    constant: set[str] = set(graph.initializers)
    found = []
    growth = 0
    outputs = set(graph.outputs)
    for node in graph.nodes:
        if not outputs.isdisjoint(node.output) or holds_graphs(node):
            continue
        if node.op_type == "Constant":
            if any(part.name in ("value_string", "value_strings", "sparse_value") for part in node.attribute):
                continue
        elif not (folding.foldable(node, graph.opset) or _quantises_a_number(graph, node)) or (
            not folding.reads_shape_only(node, graph.tensor(node.input[0]))
            and not all(name in constant for name in node.input if name)
        ):
            continue
        size = sum(_bytes(graph, name, unknown=_bound(graph, node)) for name in node.output if name)
        given = sum(_bytes(graph, name, unknown=0) for name in node.input if name)
        if node.op_type != "Constant" and size > given:
            if growth + size > MAX_GROWTH:
                continue
            growth += size
        constant.update(name for name in node.output if name)
        found.append(node)
    return found


def _quantises_a_number(graph: MutableGraph, node: Node) -> bool:
    """Whether it is a scalar that goes through 8 bits: there is no layer to quantise, and parsers look for an axis."""
    return is_standard(node) and node.op_type in _QUANTISING and graph.dims(node.input[0]) == ()


def _bytes(graph: MutableGraph, name: str, unknown: int) -> int:
    """At most so many, counting eight for every element."""
    dims = graph.dims(name)
    return unknown if dims is None else _ITEM * prod(dims)


def _bound(graph: MutableGraph, node: Any) -> int:
    """Bytes of a result whose shape depends on values: indices of non-zero elements cannot be more than all."""
    dims = graph.dims(node.input[0]) if node.input else None
    if node.op_type not in ("NonZero", "Compress", "Unique") or dims is None:
        return MAX_GROWTH + 1
    return _ITEM * prod(dims) * max(1, len(dims))


def _evaluate(graph: MutableGraph, nodes: list[Node], wanted: list[str]) -> dict[str, Any]:
    """The wanted values, computed by onnxruntime; those that it cannot compute are missing."""
    import numpy

    initializers = [graph.initializers[name] for name in entering(nodes) if name in graph.initializers]
    computed = []
    for node in nodes:
        if folding.reads_shape_only(node, graph.tensor(node.input[0]) if node.input else None):
            elements = folding.shape_elements(node, graph.tensor(node.input[0])) or ()
            shape = () if node.op_type == "Size" else (len(elements),)
            known = numpy.array(elements, numpy.int64).reshape(shape)
            initializers.append(proto_from_array(node.output[0], known))
        else:
            computed.append(node.proto)
    outputs = [value_info(name, graph.tensor(name)) for name in wanted]
    model = standalone(computed, (), outputs, initializers, graph.proto.opset_import, graph.proto.ir_version)
    if not wanted:
        return {}
    try:
        session = Session(model.SerializeToString(), folder=graph.shelf.folder)
        return dict(zip(wanted, session.run({}), strict=True))
    except RunError:
        return _one_by_one(graph.shelf, model, wanted)


def _one_by_one(shelf: Shelf, model: Any, wanted: list[str]) -> dict[str, Any]:
    """What the reference implementation of ONNX can compute, for types that onnxruntime has no kernel for."""
    known = {tensor.name: shelf.array(tensor) for tensor in model.graph.initializer}
    for node in model.graph.node:
        if all(name in known for name in node.input if name):
            feeds = {name: known[name] for name in node.input if name}
            untyped = [value_info(name, UNKNOWN_TENSOR) for name in feeds]
            with single_run():
                known.update(folding.evaluate(node, untyped, feeds, model.opset_import))
    return {name: known[name] for name in wanted if name in known}
