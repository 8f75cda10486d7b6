"""Operators of somebody's own under names of ONNX: nothing knows what they mean, or how many operands they have."""

from __future__ import annotations

import onnx
import pytest
from onnx import TensorProto, helper

from safecheck.rewrite.canonicalize.run import normalise
from safecheck.rewrite.driver import rewrite_all
from safecheck.rewrite.graph import MutableGraph
from safecheck.rewrite.verdicts import Verdicts
from safecheck.rulebook.load import profile

NAMES = sorted({schema.name for schema in onnx.defs.get_all_schemas_with_history() if not schema.domain})
BOOK = profile("tensorrt-8.6-restricted")


def foreign(op_type: str, operands: int, results: int) -> onnx.ModelProto:
    """The operator between two Sigmoid, with the attributes that many operators have."""
    made = [f"z{number}" for number in range(results)]
    nodes = [
        helper.make_node("Sigmoid", ["x"], ["s"]),
        helper.make_node(op_type, ["s"] * operands, made, "odd", domain="com.foo", kernel_shape=[2, 2], axis=1),
        helper.make_node("Sigmoid", [made[0]], ["y"]),
    ]
    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, [4, 8, 6, 6]) for name in ("x", "y"))
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("com.foo", 1)]
    return helper.make_model(helper.make_graph(nodes, "g", [x], [y]), opset_imports=opsets, ir_version=8)


@pytest.mark.parametrize("op_type", NAMES)
def test_a_node_of_another_domain_is_left_alone(op_type: str) -> None:
    for operands in range(3):
        for results in (1, 2):
            before = foreign(op_type, operands, results)
            graph = MutableGraph(onnx.ModelProto.FromString(before.SerializeToString()))
            normalise(graph)
            rewrite_all(graph, Verdicts(graph, BOOK), (), proving=False)
            kept = [node.proto for node in graph.nodes if node.domain]
            assert [(list(node.input), list(node.output)) for node in kept] == [
                (list(before.graph.node[1].input), list(before.graph.node[1].output))
            ]
