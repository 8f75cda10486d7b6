"""One node with very many operands is looked at a number of times that grows with them, not with their square."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper

from safecheck.rewrite.builder import Builder
from safecheck.rewrite.graph import MutableGraph
from safecheck.rewrite.movement.operators import data_slots
from safecheck.rewrite.movement.trace import exits, group
from safecheck.rewrite.rules.rotation import RotateWithTranspose


def _graph(count: int, made: bool) -> MutableGraph:
    """A Concat of so many values: inputs of the network, or each another transpose of its only input."""
    value = helper.make_tensor_value_info
    names = [f"v{number}" for number in range(count)]
    nodes = [helper.make_node("Transpose", ["x"], [name], perm=[1, 0]) for name in names if made]
    nodes.append(helper.make_node("Concat", names, ["y"], axis=0))
    inputs = ["x"] if made else names
    graph = helper.make_graph(nodes, "g", [value(name, 1, [2, 3]) for name in inputs], [value("y", 1, None)])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    return MutableGraph(onnx.shape_inference.infer_shapes(model))


def _calls(work: Callable[[], Any]) -> int:
    """Calls of functions, and steps of generators, that the work takes."""
    count = 0

    def seen(_frame: object, event: str, _argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(seen)
    try:
        work()
    finally:
        sys.setprofile(before)
    return count


def _trace(graph: MutableGraph) -> None:
    exits(graph, group(graph, graph.nodes[-1]))


@pytest.mark.parametrize("made", [False, True])
def test_tracing_grows_with_the_operands(made: bool) -> None:
    few, many = _graph(60, made), _graph(480, made)
    assert _calls(lambda: _trace(many)) < 12 * _calls(lambda: _trace(few))


def test_each_operand_is_found_without_a_search() -> None:
    graph = _graph(2000, made=False)
    slots = data_slots(graph, graph.nodes[-1])
    assert slots is not None
    assert list(slots) == list(range(2000))
    assert sys.getsizeof(slots) < 200


def test_elements_are_numbered_through_the_sources_that_occur() -> None:
    text = """<ir_version: 8, opset_import: ["": 17]>
    g (float[2] a, float[3] b, float[0] none, float[4] c) => (float[4] y, float[9] whole)
    <int64[4] order = {8, 0, 5, 1}> {
        whole = Concat <axis = 0> (a, b, none, c)
        y = Gather <axis = 0> (whole, order)
    }"""
    graph = MutableGraph(onnx.shape_inference.infer_shapes(onnx.parser.parse_model(text)))
    nodes = group(graph, next(node for node in graph.nodes if node.op_type == "Gather"))
    found = {exit_.name: exit_ for exit_ in exits(graph, nodes)}
    assert found["y"].sources == ("a", "c")
    assert found["y"].numbers.tolist() == [2 + 3, 0, 2 + 0, 1]
    assert found["whole"].sources == ("a", "b", "c")
    assert found["whole"].numbers.tolist() == list(range(9))


def test_equal_constants_are_one_and_are_not_compared_one_by_one() -> None:
    def store(count: int) -> Builder:
        builder = Builder(_graph(2, made=False), "hint")
        for number in range(count):
            assert builder.constant(np.array([number])) == builder.constant(np.array([number]))
        return builder

    assert len(store(300).constants) == 300
    assert _calls(lambda: store(800)) < 12 * _calls(lambda: store(100))
    builder = store(2)
    named = {builder.constant(array) for array in (np.zeros(1, np.int64), np.zeros(1, np.int32), np.zeros((1, 1)))}
    assert len(named) == 3


def test_a_sum_of_very_many_convolutions_is_refused_in_words() -> None:
    graph = _graph(300, made=False)
    match = RotateWithTranspose().match(graph, graph.nodes[-1])
    assert match is not None
    assert not match.candidates
    assert "300 convolutions" in match.reason
