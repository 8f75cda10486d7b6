"""The operator graph as networkx: every node once, every value an edge, and what graph theory says about it."""

from __future__ import annotations

from pathlib import Path

import networkx as nx
import onnx
import pytest
from case_files import model_from_text
from graph_models import named_like_syntax, nested, nested_under
from onnx import TensorProto, helper

from safecheck.errors import InputError
from safecheck.intake.memory import InMemory
from safecheck.ir.model import load
from safecheck.ir.topology import around, find_cycle, node_id, regions, view

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.onnx"))


def graph_of(proto: onnx.ModelProto) -> nx.MultiDiGraph:
    return view(load(InMemory(proto.SerializeToString())).graph)


def chain(verdicts: str) -> nx.MultiDiGraph:
    """Nodes in a row, `.` for an allowed one, and the edges between neighbours."""
    graph = nx.MultiDiGraph()
    for number, verdict in enumerate(verdicts):
        graph.add_node(str(number), verdict="allowed" if verdict == "." else "forbidden")
    nx.add_path(graph, map(str, range(len(verdicts))))
    return graph


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_edges_are_the_values_that_nodes_read(path: Path) -> None:
    proto = onnx.load(path)
    made = {name: at for at, node in enumerate(proto.graph.node) for name in node.output if name}
    expected = sorted(
        (made[name], reader, name, position)
        for reader, node in enumerate(proto.graph.node)
        for position, name in enumerate(node.input)
        if name in made
    )
    graph = view(load(str(path)).graph)
    assert [int(node) for node in graph] == list(range(len(proto.graph.node)))
    found = [(int(a), int(b), data["value"], data["position"]) for a, b, data in graph.edges(data=True)]
    assert sorted(found) == expected


def test_a_branch_reads_from_outside_and_is_held() -> None:
    graph = graph_of(nested())
    branches = [f"1:{side}_branch:{index}" for side in ("else", "then") for index in (0, 1)]
    assert sorted(graph.successors("0")) == branches, "both branches use the value of node 0"
    held = sorted(end for _, end, kind in graph.out_edges("1", data="kind") if kind == "holds")
    assert held == branches
    assert graph.number_of_edges("1", "2") == 2, "a value that is read twice is two edges"
    assert sorted(data["position"] for data in graph["1"]["2"].values()) == [0, 1]
    function = [f"function:local:Pooled:{index}" for index in (0, 1)]
    assert list(graph.edges(function)) == [tuple(function)]


def test_edge_keys_are_unique_in_the_graph() -> None:
    keys = [key for *_, key in graph_of(nested()).edges(keys=True)]
    assert sorted(keys) == list(range(len(keys)))


def test_attributes_are_texts_and_numbers_without_control_characters() -> None:
    graph = graph_of(named_like_syntax())
    parts = [data for _, data in graph.nodes(data=True)] + [data for *_, data in graph.edges(data=True)]
    values = [value for part in parts for value in part.values()]
    assert {type(value) for value in values} == {str, int}
    assert all(value.isprintable() for value in values if isinstance(value, str))
    assert all(node.isprintable() for node in graph)


@pytest.mark.parametrize("name", ["branch", "a/2:b", "a:b", "a[0]", "line\nbreak", "\\x0a", 300 * "\u202e"])
def test_ids_of_nested_nodes_are_unique_whatever_attributes_are_called(name: str) -> None:
    graph = graph_of(nested_under(name))
    assert len(graph) == 4
    assert sorted((source, graph.nodes[end]["op_type"]) for source, end in graph.edges()) == [
        ("0", "Hold"), ("0", "Relu"), (next(node for node in graph if node != "0" and graph.out_degree(node)), "Relu"),
    ]  # fmt: skip
    assert all(node.rpartition(":")[2] == str(graph.nodes[node]["index"]) for node in graph)


def test_scopes_that_differ_in_a_hidden_character_have_different_ids() -> None:
    assert node_id("f\n", 0) != node_id("f\\x0a", 0)
    assert node_id("a" * 500, 0) != node_id("a" * 501, 0)


def test_two_graphs_in_one_place_are_refused() -> None:
    """`0:a` holding `0:b`, and an attribute `a/0:b`: no report could tell their nodes apart."""
    value = helper.make_tensor_value_info

    def leaf(name: str) -> onnx.GraphProto:
        return helper.make_graph(
            [helper.make_node("Relu", ["x"], [name])], name, [], [value(name, TensorProto.FLOAT, [1, 4])]
        )

    inner = helper.make_graph(
        [helper.make_node("Hold", ["x"], ["q"], domain="own", b=leaf("z1"))],
        "inner",
        [],
        [value("q", TensorProto.FLOAT, [1, 4])],
    )
    node = helper.make_node("Hold", ["x"], ["y"], domain="own", **{"a": inner, "a/0:b": leaf("z2")})
    graph = helper.make_graph(
        [node], "g", [value("x", TensorProto.FLOAT, [1, 4])], [value("y", TensorProto.FLOAT, [1, 4])]
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17), helper.make_opsetid("own", 1)])
    model.ir_version = 8
    with pytest.raises(InputError) as caught:
        graph_of(model)
    assert caught.value.code == "SC-AMB-SCOPE"


@pytest.mark.parametrize(
    ("verdicts", "expected"),
    [
        ("....", []),
        ("x..x", [["0"], ["3"]]),
        (".xxx.xx", [["1", "2", "3"], ["5", "6"]]),
    ],
)
def test_regions_are_what_hangs_together(verdicts: str, expected: list[list[str]]) -> None:
    assert regions(chain(verdicts)) == expected


def test_a_region_may_be_joined_behind_an_allowed_node() -> None:
    graph = chain("x.x")
    graph.add_node("3", verdict="forbidden")
    graph.add_edges_from([("0", "3"), ("2", "3")])
    assert regions(graph) == [["0", "2", "3"]]


def test_around_goes_up_and_down_and_keeps_the_order() -> None:
    graph = graph_of(
        model_from_text(
            """(float[1,4] x) => (y) {
                a = Relu(x) b = Sigmoid(a) c = Tanh(a) d = Add(b, c) e = Relu(d) y = Tanh(e)
            }"""
        )
    )
    assert list(around(graph, "3", 0)) == ["3"]
    assert list(around(graph, "3", 1)) == ["1", "2", "3", "4"]
    assert list(around(graph, "3", 2)) == ["0", "1", "2", "3", "4", "5"]
    assert len(graph) == 6, "the graph itself stays whole"
    assert sorted(around(graph, "3", 1).edges(keys=True)) == sorted(
        edge for edge in graph.edges(keys=True) if {edge[0], edge[1]} <= {"1", "2", "3", "4"}
    )


def test_a_cycle_is_found() -> None:
    proto = model_from_text("(float[1,4] x) => (y) { a = Relu(x) b = Sigmoid(a) c = Tanh(b) y = Relu(c) }")
    scope = load(InMemory(proto.SerializeToString())).graph.scopes[0]
    assert find_cycle(scope) == []
    scope.nodes[1].inputs = ("c",)
    assert sorted(find_cycle(scope)) == [1, 2]
