"""Before operator set 7 an attribute said how operands stretch: other operators under the same names."""

from __future__ import annotations

from itertools import product

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from safecheck.intake.memory import InMemory
from safecheck.ir.model import load
from safecheck.ir.signatures import signatures
from safecheck.ir.validity import violation
from safecheck.rewrite.canonicalize.run import normalise
from safecheck.rewrite.driver import rewrite_all
from safecheck.rewrite.graph import MutableGraph
from safecheck.rewrite.node import stretches_by_attribute
from safecheck.rewrite.rule import FAILED
from safecheck.rewrite.verdicts import Verdicts
from safecheck.rulebook.load import profile

OPERATORS = sorted(
    name
    for name in {schema.name for schema in onnx.defs.get_all_schemas() if not schema.domain}
    if onnx.defs.has(name, max_inclusive_version=6) and "broadcast" in onnx.defs.get_schema(name, 6, "").attributes
)
BOOK = profile("tensorrt-8.6-restricted")
SHAPES = ((), (1,), (2,), (3,), (5,), (3, 3), (2, 3), (1, 2, 3, 3), (1, 3, 1, 1))


def old(op_type: str, other: tuple[int, ...], attributes: dict[str, int], data: tuple[int, ...]) -> onnx.ModelProto:
    logical = op_type in ("And", "Or", "Xor")
    type_ = TensorProto.BOOL if logical else TensorProto.FLOAT
    inputs = [helper.make_tensor_value_info(name, type_, shape) for name, shape in (("x", data), ("z", other))]
    result = TensorProto.BOOL if op_type in ("Equal", "Greater", "Less") else type_
    node = helper.make_node(op_type, ["x", "z"], ["y"], "old", **attributes)
    graph = helper.make_graph([node], "g", inputs, [helper.make_tensor_value_info("y", result, None)])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 6)], ir_version=4)


def fits(data: tuple[int, ...], other: tuple[int, ...], axis: int | None) -> bool:
    """What ONNX says up to operator set 6, and ones in addition, which readers take."""
    start = len(data) - len(other) if axis is None else axis
    if not 0 <= start <= len(data) - len(other):
        return False
    return all(own in (1, there) for own, there in zip(other, data[start:], strict=False))


def test_every_operator_with_the_attribute_is_known() -> None:
    named = {schema.name for schema in onnx.defs.get_all_schemas_with_history() if "broadcast" in schema.attributes}
    assert {*OPERATORS, "PRelu"} >= {name for name in named if stretches_by_attribute(name, 6)} >= {*OPERATORS}
    assert not any(stretches_by_attribute(name, 7) for name in named)


@pytest.mark.parametrize("op_type", [name for name in OPERATORS if name != "Gemm"])
@pytest.mark.parametrize("axis", [None, 0, 1])
def test_they_are_left_alone(op_type: str, axis: int | None) -> None:
    attributes = {"broadcast": 1} | ({} if axis is None else {"axis": axis})
    for data, other in product(((2, 3), (1, 2, 3, 3), (1, 3, 3, 3)), SHAPES):
        raw = old(op_type, other, attributes, data).SerializeToString()
        graph = MutableGraph(onnx.ModelProto.FromString(raw))
        normalise(graph)
        verdicts = Verdicts(graph, BOOK)
        steps = rewrite_all(graph, verdicts, (), proving=False)
        assert [node.proto.SerializeToString() for node in graph.nodes] == [
            node.SerializeToString() for node in onnx.ModelProto.FromString(raw).graph.node
        ]
        assert [step for step in steps if FAILED in step.reason] == []
        assert bool(verdicts.questions()) == any("operator set 7" in step.reason for step in steps)


@pytest.mark.parametrize("axis", [None, 0, 1, 2])
def test_operands_that_stretch_in_no_way_are_forbidden(axis: int | None) -> None:
    for data, other in product(((2, 3), (1, 2, 3, 3), (1, 3, 3, 3)), SHAPES):
        attributes = {"broadcast": 1} | ({} if axis is None else {"axis": axis})
        graph = load(InMemory(old("Div", other, attributes, data).SerializeToString())).graph
        (node,) = signatures(graph).nodes
        found = violation(node.signature)
        if fits(data, other, axis):
            assert found is None
        elif axis is None:
            assert (found is not None) == (not stretch(data, other))


def test_a_slope_that_stretches_in_no_way_is_forbidden() -> None:
    for data, other in product(((2, 3), (1, 2, 3, 3), (1, 3, 3, 3)), SHAPES):
        (node,) = signatures(load(InMemory(old("PRelu", other, {}, data).SerializeToString())).graph).nodes
        fit = other == (data[1],) or np.prod(other) == 1 or (stretch(data, other) and len(other) <= len(data))
        assert (violation(node.signature) is None) == fit


def stretch(*shapes: tuple[int, ...]) -> bool:
    """What NumPy says, which later operator sets follow."""
    try:
        np.broadcast_shapes(*shapes)
    except ValueError:
        return False
    return True
