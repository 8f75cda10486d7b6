"""Sequences whose members are known become the tensors they hold."""

from __future__ import annotations

from typing import Any

from safecheck.intake.onnx_library import messages
from safecheck.rewrite.attributes import attribute, integer, operand
from safecheck.rewrite.canonicalize.control import copied
from safecheck.rewrite.graph import MutableGraph, Node


def resolve_sequences(graph: MutableGraph) -> list[Any]:
    """Replace sequence operators of the main graph; returns the nodes that are gone."""
    members: dict[str, list[str]] = {}
    resolved: dict[Node, list[Any]] = {}
    for node in graph.nodes:
        made = _resolved(graph, node, members)
        if made is not None:
            resolved[node] = made
    left = [entry for node in graph.nodes for entry in resolved.get(node, [node])]
    if _still_read(left, members, graph):
        return []
    for node, made in resolved.items():
        graph.splice(node, made)
    return list(resolved)


def _still_read(nodes: list[Any], members: dict[str, list[str]], graph: MutableGraph) -> bool:
    """Whether something else than the operators known here takes one of the sequences."""
    return any(name in members for node in nodes for name in node.input) or any(
        name in members for name in graph.outputs
    )


def _resolved(graph: MutableGraph, node: Any, members: dict[str, list[str]]) -> list[Any] | None:
    kind = node.op_type
    output = node.output[0] if node.output else ""
    if kind == "SequenceEmpty":
        members[output] = []
        return []
    if kind == "SequenceConstruct":
        members[output] = list(node.input)
        return []
    if kind == "Identity" and node.input[0] in members:
        members[output] = members[node.input[0]]
        return []
    if kind == "SplitToSequence":
        return _split(graph, node, members)
    if not node.input or node.input[0] not in members:
        return None
    known = members[node.input[0]]
    at = operand(graph, node, 2 if kind == "SequenceInsert" else 1)
    if kind == "SequenceInsert" and at is not None:
        position = at[0] if at else len(known)
        members[output] = [*known[:position], node.input[1], *known[position:]]
        return []
    if kind == "SequenceAt" and at:
        return [messages().NodeProto(op_type="Identity", input=[known[at[0]]], output=[output])]
    if kind == "ConcatFromSequence":
        return _concat(graph, node, known)
    if kind == "SequenceMap":
        return _mapped(graph, node, members)
    return None


def _mapped(graph: MutableGraph, node: Any, members: dict[str, list[str]]) -> list[Any] | None:
    """The body once for every member; further inputs are sequences of the same length or tensors."""
    body = attribute(node, "body")
    if body is None or len(body.g.output) != len(node.output):
        return None
    inner = [value.name for value in body.g.input]
    results: list[list[str]] = [[] for _ in node.output]
    written: list[Any] = []
    for number in range(len(members[node.input[0]])):
        given = [members[name][number] if name in members else name for name in node.input]
        nodes, names = copied(graph, body.g, dict(zip(inner, given, strict=True)), f"{node.output[0]}/{number}")
        written += nodes
        for result, value in zip(results, body.g.output, strict=True):
            result.append(names.get(value.name, value.name))
    members.update(zip(node.output, results, strict=True))
    return written


def _split(graph: MutableGraph, node: Any, members: dict[str, list[str]]) -> list[Any] | None:
    import numpy
    from onnx import helper

    dims, sizes = graph.dims(node.input[0]), operand(graph, node, 1)
    if dims is None or sizes is None or not integer(node, "keepdims", 1):
        return None
    axis = integer(node, "axis", 0) % len(dims)
    shape = graph.constant(node.input[1]).shape if sizes and len(node.input) > 1 else None  # type: ignore[union-attr]
    if shape == () or not sizes:
        step = sizes[0] if sizes else 1
        sizes = tuple(min(step, dims[axis] - start) for start in range(0, dims[axis], step))
    names = [graph.fresh(node.output[0]) for _ in sizes]
    members[node.output[0]] = names
    if graph.opset < 13:
        return [helper.make_node("Split", [node.input[0]], names, axis=axis, split=list(sizes))]
    lengths = graph.store(node.output[0], numpy.array(sizes, numpy.int64))
    return [helper.make_node("Split", [node.input[0], lengths], names, axis=axis)]


def _concat(graph: MutableGraph, node: Any, known: list[str]) -> list[Any]:
    import numpy
    from onnx import helper

    axis = integer(node, "axis", 0)
    if not integer(node, "new_axis", 0):
        return [helper.make_node("Concat", known, [node.output[0]], axis=axis)]
    names = [graph.fresh(node.output[0]) for _ in known]
    given = [graph.store(node.output[0], numpy.array([axis], numpy.int64))] if graph.opset >= 13 else []
    widened = [helper.make_node("Unsqueeze", [name, *given], [new]) for name, new in zip(known, names, strict=True)]
    if not given:
        for unsqueeze in widened:
            unsqueeze.attribute.append(helper.make_attribute("axes", [axis]))
    return [*widened, helper.make_node("Concat", names, [node.output[0]], axis=axis)]
