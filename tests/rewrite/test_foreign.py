"""Operators of somebody's own under names of ONNX: nothing knows what they mean, or how many operands they have."""

from __future__ import annotations

from itertools import product
from math import prod

import onnx
import pytest
from onnx import TensorProto, helper

from safecheck.rewrite.canonicalize.run import normalise
from safecheck.rewrite.driver import rewrite_all
from safecheck.rewrite.graph import MutableGraph
from safecheck.rewrite.rule import FAILED
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


@pytest.mark.parametrize("op_type", NAMES)
@pytest.mark.parametrize("opset", [9, 13, 18, 22])
def test_operators_that_the_operator_set_does_not_have_are_no_fault(op_type: str, opset: int) -> None:
    """They came later, or are deprecated: no schema says how many operands there are."""
    form = onnx.defs.get_schema(op_type, opset, "") if onnx.defs.has(op_type, max_inclusive_version=opset) else None
    if form is not None and not form.deprecated:
        return  # the audit holds it against its schema
    for operands, shape in product(range(4), ([], [1], [4], [5, 5], [6, 6], [8, 1, 1])):
        before = foreign(op_type, operands, 1)
        before.opset_import[0].version = opset
        node = before.graph.node[1]
        node.domain = ""
        if operands > 1:
            before.graph.initializer.append(helper.make_tensor("c", TensorProto.FLOAT, shape, [1.0] * prod(shape)))
            node.input[1:] = ["c"] * (operands - 1)
        graph = MutableGraph(onnx.ModelProto.FromString(before.SerializeToString()))
        normalise(graph)
        steps = rewrite_all(graph, Verdicts(graph, BOOK), (), proving=False)
        assert [step.reason for step in steps if FAILED in step.reason] == []
