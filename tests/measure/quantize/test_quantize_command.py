from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from classifiers import arrays, classifier, pictures, write_labels
from google.protobuf.message import EncodeError
from onnx import numpy_helper

from safecheck.cli import run
from safecheck.measure.quantize.clipping import METHODS
from safecheck.rewrite.files import fits
from safecheck.rewrite.proof.runtime import Session

PROFILE = "tensorrt-10-safety"


def quantize(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, dict[str, Any], str]:
    code = run(["quantize", *map(str, arguments), "--profile", PROFILE, "--output", "json"])
    out, err = capsys.readouterr()
    return code, json.loads(out) if out else {}, err


def constants(model: onnx.ModelProto) -> dict[str, np.ndarray]:
    return {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}


def makers(model: onnx.ModelProto) -> dict[str, onnx.NodeProto]:
    return {name: node for node in model.graph.node for name in node.output}


@pytest.mark.slow
@pytest.mark.parametrize("method", METHODS)
def test_the_same_scales_twice(method: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = classifier(tmp_path / "m.onnx")
    arrays(tmp_path / "images", 30)
    command = (model, "--images", tmp_path / "images", "--count", 20, "--method", method, "--precision", "int8")
    _, one, err = quantize(capsys, *command, "-o", tmp_path / "one.onnx")
    _, two, _ = quantize(capsys, *command, "-o", tmp_path / "two.onnx")
    assert err == ""
    assert one["quantisation"] == two["quantisation"]
    assert one["quantisation"]["images"] == {"found": 30, "asked": 20, "used": 20, "seed": 0}
    assert len(one["quantisation"]["activations"]) == 5
    assert (tmp_path / "one.onnx").read_bytes() == (tmp_path / "two.onnx").read_bytes()
    _, other, _ = quantize(capsys, *command, "--seed", 1, "-o", tmp_path / "other.onnx")
    assert other["quantisation"]["activations"] != one["quantisation"]["activations"]


def test_the_methods_differ_and_none_exceeds_the_largest_value(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = classifier(tmp_path / "m.onnx")
    folder = tmp_path / "images"
    folder.mkdir()
    random = np.random.default_rng(0)
    for number in range(40):
        np.save(folder / f"{number}.npy", random.standard_t(3, (3, 16, 16)).astype(np.float32))
    limits = {}
    for method in METHODS:
        command = (model, "--images", folder, "--count", 40, "--method", method, "--percentile", 99)
        _, report, _ = quantize(capsys, *command, "-o", tmp_path / "o.onnx")
        limits[method] = {part["tensor"]: part["threshold"] for part in report["quantisation"]["activations"]}
    largest = max(float(np.abs(np.load(file)).max()) for file in folder.glob("*.npy"))
    assert limits["minmax"]["image"] == largest
    assert len({limits[method]["image"] for method in METHODS}) == 4
    assert all(limits[method]["image"] < largest for method in METHODS if method != "minmax")


@pytest.mark.slow
def test_the_order_of_hashes_does_not_matter(tmp_path: Path) -> None:
    model = classifier(tmp_path / "m.onnx")
    arrays(tmp_path / "images", 3)
    made = []
    for seed in ("1", "2"):
        command = [sys.executable, "-m", "safecheck", "quantize", model, "--images", tmp_path / "images"]
        command += ["--count", "3", "--precision", "int8", "-o", tmp_path / f"{seed}.onnx", "--profile", PROFILE]
        done = subprocess.run(
            command, env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True, text=True, timeout=600
        )
        assert done.stderr == ""
        made.append((tmp_path / f"{seed}.onnx").read_bytes())
    assert made[0] == made[1]


@pytest.mark.parametrize(("precision", "quantised"), [("mixed", 2), ("int8", 4)])
def test_explicit_symmetric_pairs_as_tensorrt_reads_them(
    precision: str, quantised: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = classifier(tmp_path / "m.onnx")
    arrays(tmp_path / "images", 6)
    command = (path, "--images", tmp_path / "images", "--count", 6, "--method", "minmax", "--precision", precision)
    code, report, _ = quantize(capsys, *command, "-o", tmp_path / "o.onnx")
    made = onnx.load(tmp_path / "o.onnx")
    onnx.checker.check_model(made, full_check=True)
    values, maker = constants(made), makers(made)
    before = constants(onnx.load(path))
    limits = {part["tensor"]: part["threshold"] for part in report["quantisation"]["activations"]}
    readers = {"conv": ["image", "kernel"], "dense": ["flat", "scores"]}
    if precision == "int8":
        readers |= {"add": ["bright", "mixed"], "pool": ["sum"]}
    pairs = 0
    for node in made.graph.node:
        if node.op_type in ("QuantizeLinear", "DequantizeLinear"):
            zero = values[node.input[2]]
            assert zero.dtype == np.int8
            assert not zero.any()
            continue
        if node.name not in readers:
            assert all(name not in maker or maker[name].op_type != "DequantizeLinear" for name in node.input)
        for source, name in zip(readers.get(node.name, ()), node.input, strict=False):
            dequantize = maker[name]
            quantize_ = maker[dequantize.input[0]]
            assert (quantize_.op_type, dequantize.op_type) == ("QuantizeLinear", "DequantizeLinear")
            assert quantize_.input[0] == source
            scale = values[quantize_.input[1]]
            assert (scale == values[dequantize.input[1]]).all()
            if source in before:  # weights stay float, one scale per output channel
                assert (values[source] == before[source]).all()
                expected = np.abs(before[source]).reshape(len(before[source]), -1).max(axis=1) / 127
                assert scale == pytest.approx(expected)
            else:
                assert scale == pytest.approx(limits[source] / 127)
            pairs += 1
    assert pairs == report["quantisation"]["pairs"] == sum(len(names) for names in readers.values())
    assert len(readers) == quantised
    names = [node.name for node in made.graph.node if node.op_type not in ("QuantizeLinear", "DequantizeLinear")]
    assert names == ["conv", "relu", "add", "pool", "flatten", "dense"]
    # What is written computes nearly what the original computes.
    image = np.load(next((tmp_path / "images").glob("*.npy")))[None]
    old, new = (Session(str(file)).run({"image": image})[0] for file in (path, tmp_path / "o.onnx"))
    assert 0 < np.abs(old - new).max() < 0.05 * np.abs(old).max()
    assert report["verdict"] == {0: "compliant", 1: "non-compliant", 3: "inconclusive"}[code]


def test_the_verdict_is_that_of_an_audit_of_the_result(tmp_path: Path) -> None:
    model = classifier(tmp_path / "m.onnx")
    arrays(tmp_path / "images", 3)
    for profile in (PROFILE, "tensorrt-6-safe", "tensorrt-8.6-restricted"):
        code = run(
            ["quantize", str(model), "--images", str(tmp_path / "images"), "-o", str(tmp_path / "o.onnx"),
             "--profile", profile]
        )  # fmt: skip
        assert code == run(["audit", str(tmp_path / "o.onnx"), "--profile", profile])


@pytest.mark.parametrize("external", [False, True])
def test_the_input_is_never_touched(external: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place = tmp_path / "input"
    place.mkdir()
    model = classifier(place / "m.onnx", external=external)
    arrays(tmp_path / "images", 3)
    before = {file.name: file.read_bytes() for file in place.iterdir()}
    assert len(before) == 1 + external
    out = tmp_path / "out"
    out.mkdir()
    command = (model, "--images", tmp_path / "images", "--count", 3)
    _, report, _ = quantize(capsys, *command, "-o", out / "o.onnx")
    assert report["quantisation"]["pairs"] == 4
    assert {file.name: file.read_bytes() for file in place.iterdir()} == before
    assert sorted(file.name for file in out.iterdir()) == ["o.onnx", "o.onnx.data"][: 1 + external]
    onnx.checker.check_model(str(out / "o.onnx"), full_check=True)
    code, _, err = quantize(capsys, *command, "-o", model)
    assert (code, "this is an input" in err) == (2, True)


@pytest.mark.parametrize(("batch", "used"), [("N", 7), (3, 6), (1, 7)])
def test_batches(batch: int | str, used: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = classifier(tmp_path / "m.onnx", batch)
    arrays(tmp_path / "images", 7)
    _, report, err = quantize(capsys, model, "--images", tmp_path / "images", "-o", tmp_path / "o.onnx")
    assert report["quantisation"]["images"]["used"] == used
    assert err.startswith(f"warning: calibrated on {used} images, not 500: ")


def test_top_1_before_and_after(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = classifier(tmp_path / "m.onnx", 4)
    classes = arrays(tmp_path / "images", 22)
    name = next(iter(classes))
    labels = write_labels(tmp_path / "labels.csv", {**classes, name: (classes[name] + 1) % 3})
    command = (model, "--images", tmp_path / "images", "--count", 8, "--labels", labels)
    _, report, _ = quantize(capsys, *command, "-o", tmp_path / "o.onnx")
    right = {"top_1": pytest.approx(100 * 21 / 22), "right": 21, "total": 22}
    assert report["quantisation"]["accuracy"] == {"before": right, "after": right, "calibrated_on": 8}
    write_labels(labels, {name: 3})
    code, report, err = quantize(capsys, *command, "-o", tmp_path / "p.onnx")
    assert (code, report) == (2, {})
    assert f"class 3 of '{name}' is not among 3 outputs" in err
    assert not (tmp_path / "p.onnx").exists()


def test_an_old_operator_set_is_converted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = classifier(tmp_path / "m.onnx", opset=11)
    arrays(tmp_path / "images", 3)
    _, report, _ = quantize(capsys, model, "--images", tmp_path / "images", "-o", tmp_path / "o.onnx")
    assert report["model"]["opset_imports"] == {"": 13}
    assert report["quantisation"]["pairs"] == 4


def test_weights_in_constant_nodes_and_nodes_without_names(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = onnx.load(classifier(tmp_path / "m.onnx"))
    tensors = list(model.graph.initializer)
    del model.graph.initializer[:]
    for tensor in reversed(tensors):
        model.graph.node.insert(0, onnx.helper.make_node("Constant", [], [tensor.name], value=tensor))
    for node in model.graph.node:
        node.name = ""
    onnx.save(model, tmp_path / "m.onnx")
    arrays(tmp_path / "images", 3)
    _, report, _ = quantize(capsys, tmp_path / "m.onnx", "--images", tmp_path / "images", "-o", tmp_path / "o.onnx")
    assert report["quantisation"]["pairs"] == 4


def test_pictures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = classifier(tmp_path / "m.onnx")
    pictures(tmp_path / "images", [(40, 30), (16, 16), (5, 90)], "jpg")
    command = (model, "--images", tmp_path / "images", "--count", 3, "--method", "minmax", "-o", tmp_path / "o.onnx")
    _, plain, _ = quantize(capsys, *command, "--mean", "0", "--std", "1")
    limits = {part["tensor"]: part["threshold"] for part in plain["quantisation"]["activations"]}
    assert 0.5 < limits["image"] <= 1
    _, normal, _ = quantize(capsys, *command)
    assert normal["quantisation"]["activations"][0]["threshold"] > 1
    code, _, err = quantize(capsys, *command, "--mean", "1,2")
    assert (code, "--mean: '1,2' is no list of one or three numbers" in err) == (2, True)


def test_what_cannot_be_quantised_is_refused_and_nothing_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = classifier(tmp_path / "m.onnx")
    images = tmp_path / "images"
    arrays(images, 3)
    empty = tmp_path / "empty"
    empty.mkdir()
    quantize(capsys, path, "--images", images, "--count", 3, "-o", tmp_path / "q.onnx")
    base = onnx.load(path)
    cases: list[tuple[onnx.ModelProto, Path, int, str]] = [
        (base, empty, 3, "the folder holds no image"),
        (base, tmp_path / "none", 2, "this is no folder"),
        (onnx.load(tmp_path / "q.onnx"), images, 3, "it is quantised already"),
    ]
    two = onnx.load(path)
    two.graph.input.append(onnx.helper.make_tensor_value_info("other", 1, [1]))
    cases.append((two, images, 3, "the network has 2 inputs"))
    flat = onnx.load(path)
    flat.graph.input[0].type.tensor_type.shape.dim[2].Clear()
    cases.append((flat, images, 2, "height or width of input image is open"))
    nothing = onnx.parser.parse_model(
        '<ir_version: 8, opset_import: ["": 18]> g (float[1,3,16,16] image) => (float[1,3,16,16] y) {y = Tan(image)}'
    )
    cases.append((nothing, images, 3, "holds nothing that mixed quantises"))
    poisoned = onnx.load(path)
    poisoned.graph.node.insert(3, onnx.helper.make_node("Log", ["sum"], ["logarithm"], "log"))
    poisoned.graph.node[4].input[0] = "logarithm"
    cases.append((poisoned, images, 3, "flat: the tensor holds a NaN or an infinity"))
    for model, folder, expected, says in cases:
        onnx.save(model, tmp_path / "case.onnx")
        code, report, err = quantize(capsys, tmp_path / "case.onnx", "--images", folder, "-o", tmp_path / "o.onnx")
        assert (code, report, says in err) == (expected, {}, True), (says, err)
        assert err.count("\n") == 1
        assert not (tmp_path / "o.onnx").exists()
    assert [file.name for file in tmp_path.iterdir() if file.name.startswith(".")] == []


def test_constants_have_their_scales_along_the_output_channels_or_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    random = np.random.default_rng(0)
    weights = {
        "right": random.standard_normal((16, 5)),
        "left": random.standard_normal((7, 16)),
        "columns": random.standard_normal((240, 4)),
        "rows": random.standard_normal((6, 4)),
        "bias": random.standard_normal(5),
        "two": np.array(2.0),
    }
    model = onnx.parser.parse_model(
        """<ir_version: 8, opset_import: ["": 18]> g (float[1,3,16,16] image) => (float[1,3,7,5] y, float[1,6] z) {
            product = MatMul(image, right)
            shifted = Add(product, bias)
            scaled = Mul(shifted, two)
            y = MatMul(left, scaled)
            row = Flatten(scaled)
            narrow = Gemm(row, columns)
            z = Gemm<transB = 1>(narrow, rows)
        }"""
    )
    model.graph.initializer.extend(
        numpy_helper.from_array(array.astype(np.float32), name) for name, array in weights.items()
    )
    onnx.save(model, tmp_path / "m.onnx")
    arrays(tmp_path / "images", 3)
    command = (tmp_path / "m.onnx", "--images", tmp_path / "images", "--precision", "int8", "-o", tmp_path / "o.onnx")
    _, report, err = quantize(capsys, *command)
    assert report, err
    made = onnx.load(tmp_path / "o.onnx")
    values = constants(made)
    pairs = {node.input[0]: node for node in made.graph.node if node.op_type == "QuantizeLinear"}
    assert set(pairs) == {"image", "right", "row", "columns", "narrow", "rows"}
    for name, axis in (("right", 1), ("columns", 1), ("rows", 0)):
        assert next(part.i for part in pairs[name].attribute if part.name == "axis") == axis
        expected = np.abs(weights[name]).max(axis=1 - axis) / 127
        assert values[pairs[name].input[1]] == pytest.approx(expected)
    # A scalar scale is that of a whole activation, which has no axis.
    assert {name: values[pairs[name].input[1]].shape for name in ("image", "row", "narrow")} == dict.fromkeys(
        ("image", "row", "narrow"), ()
    )


def test_a_model_beyond_2_gib_is_one_that_protobuf_does_not_even_count() -> None:
    class Large:
        graph = onnx.GraphProto()

        def ByteSize(self) -> int:  # noqa: N802 - protobuf's name
            raise EncodeError("Failed to serialize proto")

    assert not fits(Large())
    assert fits(onnx.ModelProto())
