"""`fix` between other ends: tails that a host computes are cut, inputs and outputs get four dimensions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from mended import model, normal, run

from safecheck.errors import UsageError
from safecheck.rewrite.canonicalize.ends import cut
from safecheck.rulebook.load import profile
from safecheck.usecases.fix import Fixed, Request, fix

LINE = """line (float[1,6,12] x) => (float[1,6] y) {
    c = Conv <pads = [1, 1]> (x, w) r = Relu (c) m = GlobalAveragePool (r) y = Flatten (m)
}"""
VOLUME = """volume (float[2,3,4,5,6] x) => (float[2,3,4,5,6] y, float s) {
    y = Sigmoid (x) s = ReduceMean <keepdims = 0> (x)
}"""


def detector() -> onnx.ModelProto:
    text = """detector (float[1,3,8,8] x, float[1,2] size) => (float[1,5] best, int64[1,5] place) {
        a = Sigmoid (x) b = Mul (a, x) flat = Reshape (b, row)
        longest = ReduceMax <axes = [1], keepdims = 1> (size)
        scaled = Mul (flat, longest) best, place = TopK (scaled, five)
    }"""
    return model(text, {"row": np.array([1, 192]), "five": np.array([5])})


def fixed(proto: onnx.ModelProto, folder: Path, **request: Any) -> tuple[Fixed, onnx.ModelProto]:
    onnx.save(proto, folder / "model.onnx")
    target = folder / "fixed.onnx"
    result = fix(str(folder / "model.onnx"), str(target), profile("tensorrt-8.6-restricted"), Request(**request))
    after = onnx.load(target)
    onnx.checker.check_model(after, full_check=True)
    return result, after


def shapes(proto: onnx.ModelProto) -> list[list[int]]:
    """Of inputs, then of outputs."""
    ends = (*proto.graph.input, *proto.graph.output)
    return [[dim.dim_value for dim in value.type.tensor_type.shape.dim] for value in ends]


def test_the_tail_goes_with_everything_that_only_it_reads(tmp_path: Path) -> None:
    result, after = fixed(detector(), tmp_path, ends=("b",))
    assert str(result.after.verdict) == "compliant"
    assert [value.name for value in after.graph.output] == ["b"]
    assert [value.name for value in after.graph.input] == ["x"]
    assert not after.graph.initializer
    (step,) = [step for step in result.applied if step.name == "cut-outputs"]
    assert step.proof is not None
    assert "the network ends at b; the host computes: Reshape, ReduceMax, Mul, TopK" in step.proof.method
    assert result.whole is not None
    assert result.whole.ran
    x = normal(1, 3, 8, 8)
    assert np.allclose(run(after, {"x": x})[0], x / (1 + np.exp(-x)), atol=1e-6)


def test_several_ends_come_in_the_order_they_are_named(tmp_path: Path) -> None:
    _, after = fixed(detector(), tmp_path, ends=("b", "a"))
    assert [value.name for value in after.graph.output] == ["b", "a"]


@pytest.mark.parametrize("ends", [("bb",), ("x",), ("row",), ("a", "a")])
def test_ends_that_no_node_makes_are_refused(ends: tuple[str, ...], tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="outputs"):
        fixed(detector(), tmp_path, ends=ends)


def test_what_a_host_chooses_names_the_value_to_end_at(tmp_path: Path) -> None:
    result, _ = fixed(detector(), tmp_path)
    assert any("--outputs scaled ends the network before it" in left.reason for left in result.left)


def test_a_line_is_compliant_with_four_dimensions_and_the_same_bytes(tmp_path: Path) -> None:
    proto = model(LINE, {"w": normal(6, 6, 3)})
    plain, _ = fixed(proto, tmp_path)
    assert any("--io 4d gives it four" in left.reason for left in plain.left)
    result, after = fixed(proto, tmp_path, four=True)
    assert str(result.after.verdict) == "compliant"
    assert shapes(after) == [[1, 1, 6, 12], [1, 1, 1, 6]]
    assert [value.name for value in (*after.graph.input, *after.graph.output)] == ["x", "y"]
    x = normal(1, 6, 12)
    before = run(proto, {"x": x})[0]
    assert np.allclose(run(after, {"x": x.reshape(1, 1, 6, 12)})[0].reshape(before.shape), before, atol=1e-6)


def test_more_dimensions_are_joined_in_front_and_none_become_ones(tmp_path: Path) -> None:
    _, after = fixed(model(VOLUME), tmp_path, four=True)
    assert shapes(after) == [[6, 4, 5, 6], [6, 4, 5, 6], [1, 1, 1, 1]]


UNNAMED_SIZES = """g (float[1,4,6,6] x) => (float[d,d,e] y) {
    axes = Constant <value_ints = [1]> ()
    one = Conv (x, w)
    line = Relu (one)
    y = Squeeze (line, axes)
}"""


def test_an_output_whose_sizes_an_exporter_left_open_gets_those_that_follow(tmp_path: Path) -> None:
    result, after = fixed(model(UNNAMED_SIZES, {"w": normal(1, 4, 1, 1)}), tmp_path, four=True)
    assert str(result.after.verdict) == "compliant"
    assert shapes(after) == [[1, 4, 6, 6], [1, 1, 6, 6]]


def test_a_batch_is_given_before_outputs_get_four_dimensions(tmp_path: Path) -> None:
    text = "g (float[n,4,6] x) => (float[n,4,6] y) { y = Relu (x) }"
    result, after = fixed(model(text), tmp_path, four=True, batch=2)
    assert str(result.after.verdict) == "compliant"
    assert shapes(after) == [[1, 2, 4, 6], [1, 2, 4, 6]]
    assert [step.name for step in result.applied if step.name == "fix-batch"] == ["fix-batch"]


def test_an_output_that_stays_keeps_what_it_declares(tmp_path: Path) -> None:
    """Behind an operator of another library, which no inference looks into."""
    text = "g (float[1,4] x) => (float[1,4] y, float[1,4] z) { y = other.lib.Twice (x) z = Sigmoid (y) }"
    proto = model(text)
    proto.opset_import.append(onnx.helper.make_opsetid("other.lib", 1))
    cut(proto, ["y"])
    assert shapes(proto) == [[1, 4], [1, 4]]
    assert proto.graph.output[0].type.tensor_type.elem_type == onnx.TensorProto.FLOAT


def test_a_shape_that_only_a_declaration_gives_to_an_if_is_not_believed(tmp_path: Path) -> None:
    one, other = (
        "then_branch = one () => (float[2,3,1] a) { a = Add (x, x) }",
        "else_branch = two () => (float[2,3] b) { b = Sub (y, y) }",
    )
    proto = model(
        f"g (float[2,3,1] x, float[2,3] y) => (float r) {{ r = If (on) <{one}, {other}> }}", {"on": np.array([True])}
    )
    result, after = fixed(proto, tmp_path, four=True)
    assert result.whole is not None
    assert shapes(after)[:2] == [[1, 2, 3, 1], [1, 1, 2, 3]]
    x, y = normal(2, 3, 1), normal(2, 3)
    found = run(after, {"x": x.reshape(1, 2, 3, 1), "y": y.reshape(1, 1, 2, 3)})[0]
    assert np.array_equal(found.reshape(-1), 2 * x.reshape(-1))
