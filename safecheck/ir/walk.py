"""Ways through a ModelProto: the graphs inside of nodes, what nodes read, and which operator set is meant."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any


def domain_of(part: Any) -> str:
    """The domain of a node, a signature or an import; ai.onnx, in either of its spellings, is the empty string."""
    domain: str = part.domain
    return "" if domain == "ai.onnx" else domain


def is_standard(part: Any) -> bool:
    """Whether a node, a signature or an import is of ai.onnx."""
    return part.domain in ("", "ai.onnx")


def opset(model: Any) -> int:
    """Version of ai.onnx that a ModelProto imports; 0 if none."""
    return next((int(entry.version) for entry in model.opset_import if is_standard(entry)), 0)


def subgraphs(node: Any) -> Iterator[Any]:
    """The graphs that a node holds, such as the branches of an If."""
    for attribute in node.attribute:
        if attribute.HasField("g"):
            yield attribute.g
        if attribute.graphs:
            yield from attribute.graphs


def holds_graphs(node: Any) -> bool:
    """Whether a node holds graphs of its own."""
    return next(subgraphs(node), None) is not None


def every_graph(graph: Any) -> Iterator[Any]:
    """A GraphProto (or a FunctionProto) and every graph nested in it. Without recursion: nesting may be deep."""
    stack = [graph]
    while stack:
        current = stack.pop()
        yield current
        for node in current.node:
            for attribute in node.attribute:  # as `subgraphs`, without its cost for each of many nodes
                if attribute.HasField("g"):
                    stack.append(attribute.g)
                if attribute.graphs:
                    stack.extend(attribute.graphs)


def reads(node: Any) -> Iterator[str]:
    """Names a node reads, including those that the graphs it holds capture from outside."""
    yield from (name for name in node.input if name)
    for graph in subgraphs(node):
        yield from captures(graph)


def captures(graph: Any) -> Iterator[str]:
    """Names that a nested graph takes from the graphs around it."""
    own = {value.name for value in graph.input} | {tensor.name for tensor in graph.initializer}
    for node in graph.node:
        yield from (name for name in reads(node) if name not in own)
        own.update(node.output)
    yield from (value.name for value in graph.output if value.name not in own)


def entering(nodes: Iterable[Any]) -> list[str]:
    """Names that nodes read and none of them makes, in the order in which they are met."""
    nodes = list(nodes)
    made = {name for node in nodes for name in node.output}
    return [name for name in dict.fromkeys(name for node in nodes for name in reads(node)) if name not in made]
