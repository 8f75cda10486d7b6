"""The trunk of a network and what hangs beside it, held against networkx: dominators and connected components."""

from __future__ import annotations

import networkx as nx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper

from safecheck.ir.graph import Scope, graph_of
from safecheck.ir.trunk import islands, trunk


def network(sources: list[list[int]], outputs: list[int]) -> Scope:
    """Sums of earlier values: 0 is the network input, 1 a weight, n + 2 what node n computes."""
    names = ["input", "weight", *(f"value{number}" for number in range(len(sources)))]
    nodes = [
        helper.make_node("Sum", [names[source] for source in read], [names[number + 2]])
        for number, read in enumerate(sources)
    ]
    value = [helper.make_tensor_value_info("input", TensorProto.FLOAT, [4])]
    results = [helper.make_tensor_value_info(names[number + 2], TensorProto.FLOAT, [4]) for number in outputs]
    weight = helper.make_tensor("weight", TensorProto.FLOAT, [4], [0.0] * 4)
    return graph_of(helper.make_model(helper.make_graph(nodes, "g", value, results, [weight]))).scopes[0]


@st.composite
def networks(draw: st.DrawFn) -> Scope:
    count = draw(st.integers(1, 14))
    near = draw(st.booleans())
    sources = [
        draw(st.lists(st.integers(max(0, number - 1) if near else 0, number + 1), min_size=1, max_size=3))
        for number in range(count)
    ]
    return network(sources, draw(st.lists(st.integers(0, count - 1), min_size=1, max_size=2, unique=True)))


@given(networks())
def test_the_trunk_dominates_the_outputs(scope: Scope) -> None:
    end = len(scope.nodes)
    ways: nx.DiGraph[int] = nx.DiGraph()
    ways.add_nodes_from((-1, end))
    for node in scope.nodes:
        for name in node.proto.input:
            if name != "weight":
                ways.add_edge(-1 if name == "input" else scope.producers[name].index, node.index)
    ways.add_edges_from((scope.producers[name].index, end) for name in scope.outputs)
    above = dict(nx.immediate_dominators(ways, -1))
    expected, at = [], above.get(end)
    while at is not None and at != -1:
        expected.append(at)
        at = above[at]
    assert trunk(scope) == expected[::-1]


@given(networks(), st.sets(st.integers(0, 13), max_size=3))
def test_islands_are_connected_components(scope: Scope, without: set[int]) -> None:
    gone = {*trunk(scope), *without}
    rest: nx.Graph[int] = nx.Graph()
    rest.add_nodes_from(node.index for node in scope.nodes if node.index not in gone)
    for node in scope.nodes:
        for name in node.proto.input:
            made = scope.producers.get(name)
            if made is not None and node.index in rest and made.index in rest:
                rest.add_edge(made.index, node.index)
    assert islands(scope, without) == sorted(map(sorted, nx.connected_components(rest)))


@pytest.mark.parametrize("sources", [[[0]] * 1, [[0], *([number + 1, 2] for number in range(1, 20_000))]])
def test_long_ways_past_one_another_cost_one_walk(sources: list[list[int]]) -> None:
    """Every node reads the first one, too: climbing from edge to edge would take the square of their number."""
    scope = network(sources, [len(sources) - 1])
    assert trunk(scope) == ([0, len(sources) - 1] if len(sources) > 1 else [0])
