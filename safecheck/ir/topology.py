"""The operator graph as networkx, and what graph theory says about it. Derived, never written back.

The room for networkx: it is imported where it is asked for, because an audit does without.
"""

from __future__ import annotations

from itertools import count
from typing import TypeAlias

import networkx as nx

from safecheck.ir.excerpt import shape_words
from safecheck.ir.graph import OpGraph, OpNode, Scope
from safecheck.text import printable

Graph: TypeAlias = "nx.MultiDiGraph[str]"
"""Nodes are ONNX nodes under their `node_id`. Attributes are texts and numbers, so that every writer of networkx takes
them; texts from the model are made visible, as in reports."""

_NAME = 1000
"""Characters of a name that are kept."""


def node_id(scope: str, index: int) -> str:
    """`12` in the main graph, `12:then_branch:3` in a nested graph, `function:<domain>:<name>:3`; unique in a model."""
    # printable doubles backslashes and cuts nothing here, so different scopes stay different
    return f"{printable(scope, 10 * len(scope) + 1)}:{index}" if scope else str(index)


def view(graph: OpGraph) -> Graph:
    """A node per ONNX node in the order of the file, an edge per consumed value, and one per node of a nested graph.

    Nodes have `scope`, `index`, `op_type`, `domain`, `name` and `outputs`. Edges of kind `data` lead from the producer
    of a value to a reader, also into a nested graph, and have `value`, `dtype`, `shape` and `position` (of the reader's
    input); edges of kind `holds` lead from a node to each node of the graphs it holds. Edge keys count the edges.
    """
    found: Graph = nx.MultiDiGraph()
    keys = count()  # networkx counts all edges whenever it is asked how many there are
    for node in graph:
        found.add_node(_id(node), **_attributes(node))
    for node in graph:
        for position, value in enumerate(node.inputs):
            producer = node.scope.producer(value)
            if producer is not None:
                tensor = node.scope.lookup(value)
                found.add_edge(
                    _id(producer), _id(node), key=next(keys), kind="data", value=printable(value, _NAME),
                    dtype=tensor.dtype or "", shape=shape_words(tensor), position=position,
                )  # fmt: skip
    for scope in graph.scopes:
        if scope.parent is not None:
            step = scope.path.removeprefix(scope.parent.path).removeprefix("/")
            holder = scope.parent.nodes[int(step.partition(":")[0])]
            for node in scope.nodes:
                found.add_edge(_id(holder), _id(node), key=next(keys), kind="holds")
    return found


def _id(node: OpNode) -> str:
    return node_id(node.scope.path, node.index)


def _attributes(node: OpNode) -> dict[str, str | int]:
    proto = node.proto
    return {
        "scope": _id(node).rpartition(":")[0],
        "index": node.index,
        "op_type": printable(proto.op_type, _NAME),
        "domain": printable(proto.domain, _NAME),
        "name": printable(proto.name, _NAME),
        "outputs": printable(", ".join(proto.output), _NAME),
    }


def around(graph: Graph, centre: str, hops: int) -> Graph:
    """What is left of the graph within so many steps of a node, up and down; nodes and edges keep their order."""
    near = nx.single_source_shortest_path_length(graph.to_undirected(as_view=True), centre, cutoff=hops)
    found: Graph = graph.copy()
    found.remove_nodes_from([node for node in graph if node not in near])
    return found


def regions(graph: Graph) -> list[list[str]]:
    """The nodes that are not allowed, region by region: a region hangs together by its own edges.

    Regions come in the order of their first nodes, nodes in the order of the graph, whose nodes have a `verdict`.
    """
    refused: Graph = graph.copy()
    refused.remove_nodes_from([node for node in graph if graph.nodes[node]["verdict"] == "allowed"])
    order = {node: place for place, node in enumerate(graph)}
    found = [sorted(region, key=order.__getitem__) for region in nx.weakly_connected_components(refused)]
    return sorted(found, key=lambda region: order[region[0]])


def find_cycle(scope: Scope) -> list[int]:
    """Positions of nodes that depend on each other in a circle; empty if there is none."""
    order: nx.DiGraph[int] = nx.DiGraph()
    for node in scope.nodes:
        for value in node.inputs:
            producer = scope.producers.get(value)
            if producer is not None:
                order.add_edge(producer.index, node.index)
    try:
        return [edge[0] for edge in nx.find_cycle(order)]
    except nx.NetworkXNoCycle:
        return []
