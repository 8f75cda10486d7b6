"""Choose the branch of an If with a constant condition, and write out a Loop with a constant number of rounds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from safecheck.intake.onnx_library import messages
from safecheck.ir.protos import array_of
from safecheck.ir.walk import is_standard, subgraphs
from safecheck.rewrite.attributes import attribute
from safecheck.rewrite.graph import MutableGraph

MAX_NODES = 20_000
"""Written-out nodes per loop."""


def inline_control_flow(graph: MutableGraph) -> list[Any]:
    """Replace If and Loop nodes of the main graph whose course is fixed; returns the nodes that are gone."""
    gone = []
    for node in list(graph.nodes):
        inlined = (
            _branch(graph, node) if node.op_type == "If" else _rounds(graph, node) if node.op_type == "Loop" else None
        )
        if inlined is None:
            continue
        graph.splice(node, inlined)
        gone.append(node)
    return gone


def _branch(graph: MutableGraph, node: Any) -> list[Any] | None:
    condition = graph.constant(node.input[0])
    if condition is None or condition.size != 1:
        return None
    chosen = attribute(node, "then_branch" if bool(condition.reshape(-1)[0]) else "else_branch")
    if chosen is None or len(chosen.g.output) != len(node.output):
        return None
    ends = dict(zip((value.name for value in chosen.g.output), node.output, strict=True))
    nodes, names = copied(graph, chosen.g, {}, node.output[0])
    return [*nodes, *(_copy(names.get(name) or name, output) for name, output in ends.items() if output)]


def _rounds(graph: MutableGraph, node: Any) -> list[Any] | None:
    """The body once per round. Loops that may end early, or collect results round by round, stay."""
    body = attribute(node, "body")
    if body is None:
        return None
    carried = list(node.input[2:])
    trips = graph.constant(node.input[0]) if node.input[0] else None
    first = graph.constant(node.input[1]) if len(node.input) > 1 and node.input[1] else None
    if (
        trips is None
        or trips.size != 1
        or (first is not None and not bool(first.all()))
        or not _runs_on(graph, node, body.g)
    ):
        return None
    count = int(trips.reshape(-1)[0])
    if count < 0 or count * len(body.g.node) > MAX_NODES or len(body.g.output) != len(node.input) - 1:
        return None
    inner = [value.name for value in body.g.input]
    written: list[Any] = []
    import numpy

    for number in range(count):
        start = graph.store(node.output[0] if node.output else "loop", numpy.array(number, numpy.int64))
        going = graph.store(node.output[0] if node.output else "loop", numpy.array(True))
        given = dict(zip(inner, [start, going, *carried], strict=True))
        nodes, names = copied(graph, body.g, given, f"{node.output[0]}/{number}")
        written += nodes
        carried = [names.get(value.name, value.name) for value in body.g.output[1:]]
    return [*written, *(_copy(name, output) for name, output in zip(carried, node.output, strict=True) if output)]


def _runs_on(graph: MutableGraph, node: Any, body: Any) -> bool:
    """Whether the condition that the body hands on is always true."""
    if len(body.input) < 2 or not body.output:
        return False
    name, given = body.output[0].name, body.input[1].name
    makers = {output: inner for inner in body.node if is_standard(inner) for output in inner.output}
    while name in makers and makers[name].op_type in ("Identity", "Cast"):
        name = makers[name].input[0]
    if name == given:
        return True
    constants = {tensor.name: tensor for tensor in body.initializer}
    if name in constants:
        return bool(array_of(constants[name]).all())
    if name in makers and makers[name].op_type == "Constant":
        value = attribute(makers[name], "value")
        return value is not None and bool(array_of(value.t).all())
    known = graph.constant(name)
    return known is not None and bool(known.all())


def copied(graph: MutableGraph, body: Any, given: Mapping[str, str], hint: str) -> tuple[list[Any], dict[str, str]]:
    """The nodes of a nested graph under names of their own, and what its names became."""
    names = dict(given)
    for tensor in body.initializer:
        names[tensor.name] = graph.fresh(hint)
        stored = messages().TensorProto()
        stored.CopyFrom(tensor)
        stored.name = names[tensor.name]
        graph.initializers[stored.name] = stored
    nodes = []
    for node in body.node:
        copy = messages().NodeProto()
        copy.CopyFrom(node)
        for output in node.output:
            if output:
                names[output] = graph.fresh(hint)
        renamed(copy, names)
        copy.name = next((name for name in copy.output if name), "")  # names of nodes are unique too
        nodes.append(copy)
    return nodes, names


def renamed(node: Any, names: Mapping[str, str]) -> None:
    """Read and make the new names; what a nested graph defines itself is its own."""
    for values in (node.input, node.output):
        for position, name in enumerate(values):
            values[position] = names.get(name, name)
    for body in subgraphs(node):
        _rename_captures(body, names)


def _rename_captures(body: Any, names: Mapping[str, str]) -> None:
    own = {*(value.name for value in body.input), *(tensor.name for tensor in body.initializer), *_made(body.node)}
    outer = {name: new for name, new in names.items() if name not in own}
    for node in body.node:
        renamed(node, outer)
    for output in body.output:
        output.name = outer.get(output.name, output.name)


def _made(nodes: Iterable[Any]) -> set[str]:
    return {name for node in nodes for name in node.output}


def _copy(source: str, output: str) -> Any:
    return messages().NodeProto(op_type="Identity", input=[source], output=[output])
