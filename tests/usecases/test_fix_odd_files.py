"""`fix` on files that are legal and unusual: never a wrong file, and what can be fixed is fixed."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from agreement_of_models import disagreement
from onnx import TensorProto, helper, numpy_helper

from safecheck.errors import SafecheckError
from safecheck.rulebook.load import profile
from safecheck.usecases.fix import Fixed, Request, fix

RESTRICTED = "tensorrt-8.6-restricted"
FLOAT = TensorProto.FLOAT


def value(name: str, *shape: Any, kind: int = FLOAT) -> Any:
    return helper.make_tensor_value_info(name, kind, list(shape))


def model(
    nodes: list[Any],
    inputs: list[Any],
    outputs: list[Any],
    constants: dict[str, Any] | None = None,
    opset: int = 17,
    ir_version: int = 8,
    **more: Any,
) -> onnx.ModelProto:
    tensors = [numpy_helper.from_array(np.asarray(array), name) for name, array in (constants or {}).items()]
    graph = helper.make_graph(nodes, "g", inputs, outputs, tensors, value_info=more.pop("value_info", []))
    opsets = [helper.make_opsetid("", opset), helper.make_opsetid("local", 1)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=ir_version, **more)


def fixed(proto: onnx.ModelProto, folder: Path, target: str = RESTRICTED, **request: Any) -> tuple[Fixed, Any]:
    """What became of a model, and the file; it computes the same wherever the original can be run."""
    before, after = folder / "before.onnx", folder / "after.onnx"
    onnx.save(proto, before)
    found = fix(str(before), str(after), profile(target), Request(**request))
    assert disagreement(before.read_bytes(), after.read_bytes()) == ""
    return found, onnx.load(after)


def refused(proto: onnx.ModelProto, folder: Path, words: str, **request: Any) -> None:
    onnx.save(proto, folder / "before.onnx")
    with pytest.raises(SafecheckError, match=words) as caught:
        fix(str(folder / "before.onnx"), str(folder / "after.onnx"), profile(RESTRICTED), Request(**request))
    assert caught.value.exit_code == 3
    assert "\n" not in str(caught.value)
    assert [file.name for file in folder.iterdir()] == ["before.onnx"]


def operators(proto: Any) -> list[str]:
    return [node.op_type for node in proto.graph.node]


def with_function(nested: bool, given: dict[str, float]) -> onnx.ModelProto:
    body = helper.make_node("LeakyRelu", ["a"], ["b"])
    body.attribute.add(name="alpha", type=onnx.AttributeProto.FLOAT, ref_attr_name="slope")
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("local", 1)]
    default = helper.make_attribute("slope", 0.7)
    inner = helper.make_function("local", "inner", ["a"], ["b"], [body], opsets, attribute_protos=[default])
    call = helper.make_node("inner", ["p"], ["q"], domain="local")
    outer = helper.make_function("local", "outer", ["p"], ["q"], [call], opsets)
    node = helper.make_node("outer" if nested else "inner", ["x"], ["y"], domain="local", **given)
    shape = (1, 4, 4, 4)
    return model([node], [value("x", *shape)], [value("y", *shape)], functions=[inner, outer])


@pytest.mark.parametrize(("nested", "given"), [(False, {}), (True, {}), (False, {"slope": 0.1})])
def test_defaults_of_functions_are_written_out(nested: bool, given: dict[str, float], tmp_path: Path) -> None:
    found, after = fixed(with_function(nested, given), tmp_path, ignored=["clamp-to-relu"])
    (leaky,) = [node for node in after.graph.node if node.op_type == "LeakyRelu"]
    assert leaky.attribute[0].f == pytest.approx(given.get("slope", 0.7))
    (proof,) = [step.proof.kind for step in found.applied if step.proof and step.name == "inline-functions"]
    assert proof == "tested"


@pytest.mark.parametrize(("opset", "kind"), [(9, "Upsample"), (10, "Resize")])
@pytest.mark.parametrize("mode", ["linear", "nearest"])
@pytest.mark.parametrize("factor", [2.0, 1.5])
def test_a_resize_keeps_its_coordinates(opset: int, kind: str, mode: str, factor: float, tmp_path: Path) -> None:
    constants = {"s": np.array([1, 1, factor, 2], np.float32)}
    size = int(np.floor(4 * factor))
    node = helper.make_node(kind, ["x", "s"], ["y"], mode=mode)
    proto = model([node], [value("x", 1, 2, 4, 4)], [value("y", 1, 2, size, 8)], constants, opset)
    _, after = fixed(proto, tmp_path, "tensorrt-10-safety", opset=17)
    assert after.opset_import[0].version == 17


@pytest.mark.parametrize(("op_type", "before", "after"), [("Hardmax", 9, 17), ("Softmax", 13, 11)])
def test_a_conversion_that_changes_the_meaning_is_refused(
    op_type: str, before: int, after: int, tmp_path: Path
) -> None:
    shape = (2, 3, 4)
    proto = model(
        [helper.make_node(op_type, ["x"], ["y"], axis=1)], [value("x", *shape)], [value("y", *shape)], {}, before
    )
    refused(proto, tmp_path, "conversion of the operator set changes what the model computes", opset=after)


def test_a_conversion_that_nobody_can_check_is_refused(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Plugin", ["x"], ["z"], domain="local"),
        helper.make_node("Softmax", ["z"], ["y"], axis=1),
    ]
    proto = model(nodes, [value("x", 1, 4)], [value("y", 1, 4)], {}, 11)
    refused(proto, tmp_path, "cannot be checked", opset=17)


OLD = {"k": np.array([0.5], np.float32)}


def test_a_file_of_ir_version_3_gets_initializers_that_are_no_inputs(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("LeakyRelu", ["x"], ["l"], alpha=0.2),
        helper.make_node("GlobalAveragePool", ["l"], ["m"]),
        helper.make_node("Mul", ["m", "k"], ["y"]),
    ]
    inputs = [value("x", 1, 4, 8, 8), value("k", 1)]
    proto = model(nodes, inputs, [value("y", 1, 4, 1, 1)], OLD, 9, 3)
    onnx.checker.check_model(proto, full_check=True)
    found, after = fixed(proto, tmp_path)
    assert str(found.after.verdict) == "compliant"
    assert after.ir_version == 4
    assert [one.name for one in after.graph.input] == ["x"]
    assert found.notes == (), "nobody can feed an initializer of such a file"


def test_an_input_with_a_default_becomes_a_constant_and_the_report_says_so(tmp_path: Path) -> None:
    nodes = [helper.make_node("Abs", ["x"], ["a"]), helper.make_node("Mul", ["a", "k"], ["y"])]
    proto = model(nodes, [value("x", 1, 4, 8, 8), value("k", 1)], [value("y", 1, 4, 8, 8)], OLD)
    found, after = fixed(proto, tmp_path)
    assert [one.name for one in after.graph.input] == ["x"], "whoever feeds k is told"
    assert "cannot be fed any more: k" in found.notes[0]


@pytest.mark.parametrize(("operator", "noted"), [("Softmax", True), ("Abs", False)])
def test_what_chooses_among_values_within_a_bound_is_named(operator: str, noted: bool, tmp_path: Path) -> None:
    nodes = [helper.make_node(operator, ["x"], ["p"]), helper.make_node("ArgMax", ["p"], ["y"], name="choice", axis=3)]
    proto = model(nodes, [value("x", 1, 4, 8, 8)], [value("y", 1, 4, 8, 1, kind=TensorProto.INT64)])
    found, _ = fixed(proto, tmp_path)
    assert found.applied
    assert bool(found.notes) == noted
    assert not noted or "closer than a bound: choice" in found.notes[0]


def test_a_plugin_that_claims_to_be_onnx_does_not_stop_the_rest(tmp_path: Path) -> None:
    nodes = [helper.make_node("ReduceMean", ["x"], ["m"], axes=[2, 3]), helper.make_node("Detect_TRT", ["m"], ["y"])]
    found, after = fixed(model(nodes, [value("x", 1, 4, 8, 8)], [value("y", 1, 4)]), tmp_path)
    assert "ReduceMean" not in operators(after)
    assert "Detect_TRT" in operators(after)
    assert found.whole is not None
    assert not found.whole.ran
    assert "cannot run the original" in found.whole.reason


@pytest.mark.parametrize("form", ["text", "json", "html"])
def test_every_report_says_what_was_not_compared(form: str, tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Plugin", ["x"], ["p"], domain="local"),
        helper.make_node("ReduceMean", ["p"], ["y"], axes=[2, 3]),
    ]
    proto = model(nodes, [value("x", 1, 4, 8, 8)], [value("y", 1, 4, 1, 1)], value_info=[value("p", 1, 4, 8, 8)])
    found, _ = fixed(proto, tmp_path)
    made = importlib.import_module(f"safecheck.render.fix.{form}").document(found)
    written = made if isinstance(made, str) else "\n".join(line.text for line in made)
    assert "onnxruntime cannot run the original" in written
    assert "the shape" not in written or "assumed: " in written
    assert ('"ran": false' if form == "json" else "not compared: ") in written


def test_a_sequence_is_compared_tensor_by_tensor(tmp_path: Path) -> None:
    nodes = [helper.make_node("LeakyRelu", ["x"], ["a"]), helper.make_node("SequenceConstruct", ["a", "a"], ["y"])]
    proto = model(nodes, [value("x", 1, 4, 8, 8)], [helper.make_tensor_sequence_value_info("y", FLOAT, None)])
    onnx.save(proto, tmp_path / "before.onnx")
    found = fix(str(tmp_path / "before.onnx"), str(tmp_path / "after.onnx"), profile(RESTRICTED), Request())
    assert "clamp-to-relu" in {step.name for step in found.applied}


def test_shapes_behind_a_plugin_are_those_that_the_file_declares(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Plugin", ["x"], ["p"], domain="local"),
        helper.make_node("ReduceMean", ["p"], ["y"], axes=[2, 3]),
    ]
    inputs, outputs = [value("x", 1, 4, 8, 8)], [value("y", 1, 4, 1, 1)]
    found, after = fixed(model(nodes, inputs, outputs, value_info=[value("p", 1, 4, 8, 8)]), tmp_path)
    assert "ReduceMean" not in operators(after)
    assert "assumed" in found.notes[0]
    assert [one.name for one in after.graph.value_info] == ["p"]
    found, after = fixed(model(nodes, inputs, outputs), tmp_path)
    assert "ReduceMean" in operators(after)


def test_a_wrong_declaration_of_an_inner_value_is_not_believed(tmp_path: Path) -> None:
    nodes = [helper.make_node("Abs", ["x"], ["a"]), helper.make_node("ReduceMean", ["a"], ["y"], axes=[2, 3])]
    proto = model(nodes, [value("x", 1, 4, 8, 8)], [value("y", 1, 4, 1, 1)], value_info=[value("a", 1, 4, 2, 2)])
    _, after = fixed(proto, tmp_path, ignored=["clamp-to-relu"])
    assert [dim.dim_value for dim in after.graph.value_info[0].type.tensor_type.shape.dim] == [1, 4, 8, 8]


def test_the_batch_is_given_to_the_inputs_that_have_an_open_one(tmp_path: Path) -> None:
    nodes = [helper.make_node("ReduceMean", ["x"], ["m"], axes=[2, 3]), helper.make_node("Mul", ["m", "k"], ["y"])]
    proto = model(nodes, [value("x", "n", 8, 4, 4), value("k", 8, 1, 1)], [value("y", "n", 8, 1, 1)])
    _, after = fixed(proto, tmp_path, batch=2)
    dims = {one.name: [dim.dim_value for dim in one.type.tensor_type.shape.dim] for one in after.graph.input}
    assert dims == {"x": [2, 8, 4, 4], "k": [8, 1, 1]}


def test_external_data_without_a_length(tmp_path: Path) -> None:
    weights = {"a": np.arange(4, dtype=np.float32).reshape(1, 4, 1, 1), "b": np.ones((1, 4, 1, 1), np.float32)}
    nodes = [
        helper.make_node("ReduceMean", ["x"], ["m"], axes=[2, 3]),
        helper.make_node("Mul", ["m", "a"], ["n"]),
        helper.make_node("Add", ["n", "b"], ["y"]),
    ]
    proto = model(nodes, [value("x", 1, 4, 8, 8)], [value("y", 1, 4, 1, 1)], weights)
    inline = proto.SerializeToString()
    (tmp_path / "w.bin").write_bytes(b"".join(array.tobytes() for array in weights.values()))
    for number, tensor in enumerate(proto.graph.initializer):
        tensor.ClearField("raw_data")
        tensor.data_location = TensorProto.EXTERNAL
        tensor.external_data.add(key="location", value="w.bin")
        tensor.external_data.add(key="offset", value=str(16 * number))
    (tmp_path / "before.onnx").write_bytes(proto.SerializeToString())
    fix(str(tmp_path / "before.onnx"), str(tmp_path / "after.onnx"), profile(RESTRICTED), Request())
    after = onnx.load(tmp_path / "after.onnx").SerializeToString()
    assert disagreement(inline, after) == ""


@pytest.mark.parametrize("opset", [11, 12, 13])
def test_sequences_are_resolved_in_the_forms_of_the_operator_set(opset: int, tmp_path: Path) -> None:
    nodes = [
        helper.make_node("SplitToSequence", ["x"], ["s"], axis=1),
        helper.make_node("ConcatFromSequence", ["s"], ["y"], axis=-1, new_axis=1),
    ]
    _, after = fixed(model(nodes, [value("x", 2, 3, 4)], [value("y", 2, 1, 4, 3)], {}, opset), tmp_path)
    assert not {"SplitToSequence", "ConcatFromSequence"} & set(operators(after))


def test_the_shape_of_a_branch_that_is_taken_replaces_what_was_declared(tmp_path: Path) -> None:
    taken = helper.make_graph([helper.make_node("Abs", ["x"], ["t"])], "t", [], [value("t", 2, 3, 1)])
    other = helper.make_graph([helper.make_node("Abs", ["z"], ["e"])], "e", [], [value("e", 2, 3)])
    nodes = [helper.make_node("If", ["c"], ["y"], then_branch=taken, else_branch=other)]
    proto = model(nodes, [value("x", 2, 3, 1), value("z", 2, 3)], [value("y")], {"c": np.array(True)})
    proto.graph.output[0].type.tensor_type.shape.SetInParent()  # a scalar, which is neither of both
    _, after = fixed(proto, tmp_path)
    assert [dim.dim_value for dim in after.graph.output[0].type.tensor_type.shape.dim] == [2, 3, 1]


def test_a_scalar_that_is_gathered(tmp_path: Path) -> None:
    node = helper.make_node("Gather", ["x", "i"], ["y"], axis=0)
    fixed(model([node], [value("x", 5)], [value("y")], {"i": np.array(2)}), tmp_path)


def test_annotations_that_speak_of_what_is_gone_are_taken_out(tmp_path: Path) -> None:
    nodes = [helper.make_node("Abs", ["x"], ["a"]), helper.make_node("ReduceMean", ["a"], ["y"], axes=[2, 3])]
    proto = model(nodes, [value("x", 1, 4, 8, 8)], [value("y", 1, 4, 1, 1)], {"s": np.float32(0.1)})
    for name, scale in (("x", "s"), ("a", "s"), ("y", "nowhere")):
        entry = proto.graph.quantization_annotation.add(tensor_name=name)
        entry.quant_parameter_tensor_names.add(key="SCALE_TENSOR", value=scale)
    _, after = fixed(proto, tmp_path)
    kept = {entry.tensor_name for entry in after.graph.quantization_annotation}
    made = {name for node in after.graph.node for name in node.output}
    assert kept <= made | {"x"}
    assert "x" in kept
    assert "s" in {tensor.name for tensor in after.graph.initializer}
