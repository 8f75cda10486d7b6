"""The stages of real networks, and of graphs that have none."""

from __future__ import annotations

from pathlib import Path

import onnx
import pytest
from case_files import model_from_text
from onnx import TensorProto, helper

from safecheck.ir.model import Model, load
from safecheck.ir.stages import stages

EXAMPLES = Path(__file__).parents[2] / "examples"


def read(proto: onnx.ModelProto, folder: Path) -> Model:
    onnx.save(proto, folder / "model.onnx")
    return load(str(folder / "model.onnx"))


@pytest.mark.parametrize(
    ("name", "shapes"),
    [
        ("csa-block", ["1x32x16x16", "1x64x8x8", "1x64x1x1", "1x10x1x1"]),
        ("swin-block", ["1x32x8x8", "1x32x1x1", "1x10"]),
        ("convnext-block", ["1x64x8x8", "1x64", "1x10"]),
        ("cvt-block", ["1x64x8x8", "1x65x64", "1x1x64", "1x10"]),
    ],
)
def test_a_stage_ends_where_the_trunk_changes(name: str, shapes: list[str]) -> None:
    graph = load(str(EXAMPLES / f"{name}.onnx")).graph.scopes[0]
    found = stages(graph, graph.lookup)
    assert [stage.shape for stage in found] == shapes
    assert [stage.first for stage in found] == [0, *(stage.end for stage in found[:-1])]
    assert found[-1].end == len(graph.nodes)


def test_a_branch_is_no_trunk(tmp_path: Path) -> None:
    """The wide middle of a residual block is passed by, so it is no stage of its own."""
    model = read(
        model_from_text(
            """(float[1,4,8,8] x) => (y) {
                a = Relu(x) w = Concat<axis = 1>(a, a, a, a) v = Relu(w)
                s, t, p, q = Split<axis = 1, num_outputs = 4>(v)
                r = Add(a, s) y = Relu(r)
            }"""
        ),
        tmp_path,
    )
    graph = model.graph.scopes[0]
    assert [(stage.first, stage.end) for stage in stages(graph, graph.lookup)] == [(0, 6)]


def test_unknown_shapes_and_many_changes_give_one_stage(tmp_path: Path) -> None:
    count = 40
    doubled = (helper.make_node("Concat", [f"v{n}"] * 2, [f"v{n + 1}"], axis=0) for n in range(count))
    nodes = [helper.make_node("Relu", ["x"], ["v0"]), *doubled]
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1])],
        [helper.make_tensor_value_info(f"v{count}", TensorProto.FLOAT, None)],
    )
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    proto.ir_version = 8
    main = read(proto, tmp_path).graph.scopes[0]
    assert stages(main, main.lookup) == ((0, count + 1, ""),)


def test_an_input_that_is_carried_past_is_another_way(tmp_path: Path) -> None:
    """A block whose skip connection starts at the input of the network: nothing before the sum is its trunk."""
    model = read(
        model_from_text(
            """(float[1,4,8,8] x) => (y) {
                w = Concat<axis = 1>(x, x) v = Relu(w)
                s, t = Split<axis = 1, num_outputs = 2>(v)
                r = Add(x, s) q = Relu(r) y = GlobalAveragePool(q)
            }"""
        ),
        tmp_path,
    )
    main = model.graph.scopes[0]
    found = stages(main, main.lookup)
    assert [(stage.first, stage.end, stage.shape) for stage in found] == [(0, 5, "1x4x8x8"), (5, 6, "1x4x1x1")]
