"""Types that are found node by node are those of ONNX's own inference of the whole model."""

from __future__ import annotations

from pathlib import Path

import onnx
import pytest
from case_files import all_cases
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper
from random_networks import random_network

from safecheck.ir.graph import OpGraph, graph_of
from safecheck.ir.shape_inference.fixed import fixed_types
from safecheck.ir.shape_inference.functions import FUNCTIONS, LEAST_OPSET
from safecheck.ir.shape_inference.harmless import harmless
from safecheck.ir.shape_inference.infer import forget_declared, infer, infer_plainly
from safecheck.ir.signature import Tensor

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.onnx"))
DIMENSION = st.integers(1, 5)
TYPES = st.sampled_from(["FLOAT", "FLOAT16", "INT64"])


def known(graph: OpGraph) -> list[dict[str, Tensor]]:
    return [scope.tensors for scope in graph.scopes]


def agrees(model: onnx.ModelProto) -> bool:
    """Hold both ways against each other; whether the model was walked through node by node."""
    bare, one, other = (onnx.ModelProto.FromString(model.SerializeToString()) for _ in range(3))
    forget_declared(bare)
    if not harmless(bare):
        return False
    mine, theirs = infer_plainly(one), infer(other)
    assert known(graph_of(mine.proto, mine.types)) == known(graph_of(theirs.proto))
    assert (mine.problem, mine.conflicts) == (theirs.problem, theirs.conflicts)
    assert list(mine.proto.graph.output) == list(theirs.proto.graph.output)
    return mine.types is not None


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_examples(path: Path) -> None:
    agrees(onnx.load(path, load_external_data=False))


def test_most_rule_cases_are_walked_through() -> None:
    walked = [agrees(case.proto()) for case in all_cases()[::3]]
    assert sum(walked) > len(walked) / 3


def test_random_networks() -> None:
    assert sum(agrees(random_network(seed)[0]) for seed in range(60)) > 5


@st.composite
def nodes(draw: st.DrawFn) -> tuple[onnx.NodeProto, list[Tensor], int]:
    kind = draw(st.sampled_from(sorted(FUNCTIONS)))
    shapes = st.lists(DIMENSION, max_size=5)
    dtype, attributes = draw(TYPES), {}
    dims = [draw(shapes) for _ in range(draw(st.integers(0, 3)))]
    if dims and draw(st.booleans()):
        dims = [dims[0]] + [[draw(st.sampled_from([1, size])) for size in dims[0]] for _ in dims[1:]]
    if kind == "Conv":
        spatial = draw(st.integers(0, 3))
        count = spatial + draw(st.sampled_from([0, 0, 0, 1]))
        dims = [[draw(DIMENSION), 2, *(draw(st.integers(1, 9)) for _ in range(spatial))]]
        dims += [[3, 2, *(draw(DIMENSION) for _ in range(spatial))], [3]][: draw(st.integers(0, 2))]
        for name, size, most in (("strides", count, 4), ("dilations", count, 3), ("pads", 2 * count, 3),
                                 ("kernel_shape", count, 5)):  # fmt: skip
            if size and draw(st.booleans()):
                least = draw(st.sampled_from([1, 1, 1, 0, -1]))
                attributes[name] = [draw(st.integers(least, most)) for _ in range(size)]
        if draw(st.integers(0, 3)) == 0:
            attributes["auto_pad"] = draw(st.sampled_from(["VALID", "SAME_UPPER", "NOTSET"]))
    given = [Tensor(dtype if draw(st.integers(0, 9)) else draw(TYPES), tuple(shape)) for shape in dims]
    names = [f"x{number}" for number in range(len(given))]
    return helper.make_node(kind, names, ["y"], **attributes), given, draw(st.integers(LEAST_OPSET, 28))


@settings(max_examples=300)
@given(nodes())
def test_functions_say_what_the_library_says(drawn: tuple[onnx.NodeProto, list[Tensor], int]) -> None:
    node, given, opset = drawn
    said = FUNCTIONS[node.op_type](node, given) if given else None
    if said is None:
        return
    inputs = [
        helper.make_tensor_value_info(name, TensorProto.DataType.Value(tensor.dtype), tensor.shape)
        for name, tensor in zip(node.input, given, strict=True)
    ]
    graph = helper.make_graph([node], "g", inputs, [onnx.ValueInfoProto(name="y")])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    assert graph_of(infer(model).proto).scopes[0].tensors["y"] == said


@pytest.mark.parametrize("dims", [[1, "n", 4], [1, 0, 4], None])
def test_what_is_not_fixed_is_left_to_the_library(dims: list[int | str] | None) -> None:
    value = helper.make_tensor_value_info("x", TensorProto.FLOAT, dims)
    result = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
    model = helper.make_model(helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "g", [value], [result]))
    assert fixed_types(model) is None
    assert not agrees(model)
