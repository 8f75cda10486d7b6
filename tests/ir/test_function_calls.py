"""Functions are counted as if they were written out: nests, overloads, nested graphs, and calls of the main graph."""

from __future__ import annotations

from collections.abc import Iterator

import onnx
import onnx.helper
import pytest

from safecheck.errors import InputError
from safecheck.ir.function_calls import check_calls
from safecheck.ir.walk import every_graph
from safecheck.limits import set_limits

OPSETS = [onnx.helper.make_opsetid("", 17), onnx.helper.make_opsetid("p", 1)]


@pytest.fixture(autouse=True)
def _limits() -> Iterator[None]:
    yield
    set_limits({})


def call(name: str, overload: str = "") -> onnx.NodeProto:
    return onnx.helper.make_node(name, ["x"], ["y"], domain="" if name == "Relu" else "p", overload=overload or None)


def function(name: str, body: list[onnx.NodeProto], overload: str = "") -> onnx.FunctionProto:
    return onnx.helper.make_function("p", name, ["x"], ["y"], body, OPSETS, overload=overload or None)


def model(nodes: list[onnx.NodeProto], functions: list[onnx.FunctionProto]) -> onnx.ModelProto:
    value = onnx.helper.make_tensor_value_info
    graph = onnx.helper.make_graph(nodes, "g", [value("x", 1, [4])], [value("y", 1, [4])])
    return onnx.helper.make_model(graph, functions=functions, opset_imports=OPSETS)


def counted(what: onnx.ModelProto) -> int:
    return check_calls(what, every_graph(what.graph), "m")


def nest(depth: int, width: int, overload: str = "") -> list[onnx.FunctionProto]:
    """F0 calls F1 `width` times, and so on; the last one holds as many Relus."""
    inner = [function(f"F{depth - 1}", [call("Relu")] * width, overload)]
    return inner + [function(f"F{n}", [call(f"F{n + 1}", overload)] * width, overload) for n in range(depth - 1)]


def nodes_of_nest(depth: int, width: int) -> int:
    """A call that is written out leaves no node, but the count keeps it: what readers walk."""
    return sum(width**level for level in range(1, depth + 1))


@pytest.mark.parametrize(
    ("what", "found"),
    [
        (model([call("Relu")] * 3, []), 3),
        (model([call("F0")], nest(3, 4)), 1 + nodes_of_nest(3, 4)),
        (model([call("F0")] * 5, nest(3, 4)), 5 * (1 + nodes_of_nest(3, 4))),
        (model([call("F0")], [*nest(3, 4), function("F0", [call("Relu")], "decoy")]), 1 + nodes_of_nest(3, 4)),
        (model([call("F0", "decoy")], [*nest(3, 4), function("F0", [call("Relu")], "decoy")]), 2),
        (model([call("F0", "o")], nest(3, 4, "o")), 1 + nodes_of_nest(3, 4)),
    ],
)
def test_nodes_are_counted_as_if_functions_were_written_out(what: onnx.ModelProto, found: int) -> None:
    assert counted(what) == found


def test_calls_in_nested_graphs_count() -> None:
    branch = onnx.helper.make_graph([call("F0")] * 2, "b", [], [])
    choice = onnx.helper.make_node("If", ["c"], ["y"], then_branch=branch, else_branch=branch)
    inner = 1 + 2 * 2 * (1 + nodes_of_nest(2, 3))
    assert counted(model([choice], nest(2, 3))) == inner
    assert counted(model([call("G")], [*nest(2, 3), function("G", [choice])])) == 1 + inner


@pytest.mark.parametrize(
    ("nodes", "functions"),
    [
        ([call("F0")], nest(9, 10)),
        ([call("F0")], [*nest(9, 10), function("F0", [call("Relu")], "decoy")]),
        ([call("F0")] * 10, nest(5, 10)),
        ([], nest(9, 10)),
        ([call("F0")], nest(5000, 2)),
    ],
)
def test_more_than_the_limit_is_refused_without_writing_it_out(
    nodes: list[onnx.NodeProto], functions: list[onnx.FunctionProto]
) -> None:
    with pytest.raises(InputError, match=r"over 1000000 nodes; .*--limit-nodes") as refused:
        counted(model(nodes, functions))
    assert refused.value.code == "SC-LIM-EXPAND"


def test_the_limit_can_be_raised() -> None:
    set_limits({"nodes": 10**12})
    assert counted(model([call("F0")], nest(9, 10))) == 1 + nodes_of_nest(9, 10)


@pytest.mark.parametrize("decoy", [[], [function("A", [call("Relu")], "z")]])
def test_a_circle_is_refused_with_its_path(decoy: list[onnx.FunctionProto]) -> None:
    functions = [function("A", [call("B")]), function("B", [call("A")]), *decoy]
    with pytest.raises(InputError, match=r"a function calls itself: A -> B -> A|B -> A -> B") as refused:
        counted(model([call("A")], functions))
    assert refused.value.code == "SC-MODEL-FUNCCYCLE"
