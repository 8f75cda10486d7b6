"""Weights put aside while a model is rewritten: the same bytes as ever, and none that nobody reads any more."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from safecheck.errors import SafecheckError
from safecheck.ir.signature import MAX_SCALES
from safecheck.rewrite import shelf as shelves
from safecheck.rewrite.files import fits, written
from safecheck.rewrite.graph import MutableGraph
from safecheck.rewrite.shelf import Shelf, on_shelf
from safecheck.rulebook.load import profile
from safecheck.usecases.fix import Request, fix

PROFILE = "tensorrt-8.6-restricted"


@pytest.fixture
def everything(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever has a byte is put aside."""
    monkeypatch.setattr(shelves, "LARGE", 1)
    monkeypatch.setattr(shelves, "WORTHWHILE", 0)


def model(initializers: list[TensorProto], nodes: list[onnx.NodeProto] | None = None) -> onnx.ModelProto:
    given = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 6, 8])
    made = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
    graph = helper.make_graph(nodes or [helper.make_node("Relu", ["x"], ["y"])], "g", [given], [made], initializers)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def with_everything_around() -> onnx.ModelProto:
    """Weights of many types and sizes, with fields before and behind their elements and behind the weights."""
    random = np.random.default_rng(0)
    kinds = (np.float32, np.float16, np.float64, np.int8, np.uint8, np.int32, np.int64, np.bool_)
    stored = [
        numpy_helper.from_array((10 * random.standard_normal((size,))).astype(kind), f"w{size}-{np.dtype(kind).name}")
        for kind in kinds
        for size in (0, 1, 127, 128, 20000)
    ]
    stored[3].doc_string = "documented"
    stored[4].metadata_props.add(key="a", value="b")
    stored.append(helper.make_tensor("typed", TensorProto.FLOAT, [3], [1.0, 2.0, 3.0]))
    stored.append(helper.make_tensor("narrow", TensorProto.INT4, [3], [1, 2, 3]))
    found = model(stored)
    found.graph.doc_string, found.doc_string, found.producer_name = "behind", "before", "somebody"
    found.metadata_props.add(key="k", value="v")
    return found


def test_the_bytes_are_those_of_protobuf(everything: None, tmp_path: Path) -> None:
    original = with_everything_around()
    expected = original.SerializeToString(deterministic=True)
    with Shelf() as shelf:
        light = shelf.emptied(original)
        assert len(light.SerializeToString()) < len(expected) / 10
        with written(light, str(tmp_path / "out.onnx"), False, shelf.folder):
            pass
    assert (tmp_path / "out.onnx").read_bytes() == expected
    assert os.listdir(tmp_path) == ["out.onnx"]


def test_external_data_are_the_same(everything: None, tmp_path: Path) -> None:
    original = with_everything_around()
    wanted = {tensor.name: numpy_helper.to_array(tensor) for tensor in original.graph.initializer}
    with Shelf() as shelf, written(shelf.emptied(original), str(tmp_path / "out.onnx"), True, shelf.folder):
        pass
    made = onnx.load(tmp_path / "out.onnx")
    for tensor in made.graph.initializer:
        np.testing.assert_array_equal(numpy_helper.to_array(tensor), wanted.pop(tensor.name))
    assert not wanted
    assert sorted(os.listdir(tmp_path)) == ["out.onnx", "out.onnx.data"]


def test_what_is_put_aside_counts_towards_the_size_of_a_message(
    everything: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = with_everything_around()
    size = original.ByteSize()
    with Shelf() as shelf:
        light = shelf.emptied(original)
        for limit, expected in ((size // 2, False), (2 * size, True)):
            monkeypatch.setattr("safecheck.rewrite.files.SIZE_LIMIT", limit)
            assert fits(light) is expected


def test_elements_are_read_from_the_shelf_and_cannot_be_changed(everything: None) -> None:
    original = with_everything_around()
    wanted = {tensor.name: numpy_helper.to_array(tensor) for tensor in original.graph.initializer}
    with Shelf() as shelf:
        graph = MutableGraph(shelf.emptied(original), shelf)
        assert sum(map(on_shelf, graph.initializers.values())) == 32  # eight types in four sizes that are not empty
        for name, expected in wanted.items():
            found = graph.constant(name)
            assert found is not None
            assert found.dtype == expected.dtype
            np.testing.assert_array_equal(found, expected)
            assert not found.flags.writeable
        name = graph.store("new", np.arange(6, dtype=np.float32).reshape(2, 3))
        assert on_shelf(graph.initializers[name])
        np.testing.assert_array_equal(graph.constant(name), [[0, 1, 2], [3, 4, 5]])
        folder = Path(str(shelf.folder))
    assert not folder.exists()


def test_a_small_model_makes_no_folder() -> None:
    with Shelf(shelves.WORTHWHILE - 1) as shelf:
        original = with_everything_around()
        assert shelf.emptied(original) is original
        assert not on_shelf(shelf.stored("w", np.zeros(shelves.LARGE, np.float32)))
        assert shelf.folder is None


def _weights(name: str, *dims: int, kind: type = np.float32) -> TensorProto:
    random = np.random.default_rng(len(name))
    return numpy_helper.from_array((random.standard_normal(dims) * (9 if kind is np.int8 else 0.05)).astype(kind), name)


NETWORKS = {
    "product": ([1, 2, 4, 256], [_weights("w", 256, 512)], "y = MatMul (x, w)"),
    "chain": (
        [1, 2, 4, 256],
        [_weights("w", 256, 512), _weights("v", 512, 256)],
        "a = MatMul (x, w) b = Relu (a) c = MatMul (b, v) y = Add (c, x)",
    ),
    "equal weights": (
        [1, 2, 4, 256],
        [_weights("w", 256, 256), _weights("v", 256, 256)],
        "a = MatMul (x, w) b = Relu (a) y = MatMul (b, v)",
    ),
    "einsum": ([1, 2, 4, 256], [_weights("w", 512, 256)], 'y = Einsum <equation = "abci,oi->abco"> (x, w)'),
    "folded": ([1, 2, 4, 256], [_weights("w", 512, 256)], "t = Transpose <perm = [1, 0]> (w) y = MatMul (x, t)"),
    "deconvolution": (
        [1, 64, 4, 4],
        [_weights("w", 64, 512, 2, 2)],
        "y = ConvTranspose <kernel_shape = [2, 2], strides = [2, 2]> (x, w)",
    ),
    "position embedding": ([1, 16, 64, 256], [_weights("w", 16, 64, 256)], "y = Add (x, w)"),
    "quantised": (
        [1, 2, 4, 512],
        [_weights("w", 512, 512, kind=np.int8), numpy_helper.from_array(np.array(0.01, np.float32), "s")],
        "d = DequantizeLinear (w, s) y = MatMul (x, d)",
    ),
    "doubles": (
        [1, 2, 4, 256],
        [_weights("w", 256, 512, kind=np.float64)],
        "d = Cast <to = 11> (x) p = MatMul (d, w) y = Cast <to = 1> (p)",
    ),
}


def network(name: str) -> onnx.ModelProto:
    dims, stored, nodes = NETWORKS[name]
    text = f"""<ir_version: 8, opset_import: ["" : 17]>
g (float[{",".join(map(str, dims))}] x) => (float[{",".join("?" * len(dims))}] y) {{ {nodes} }}"""
    found = onnx.parser.parse_model(text)
    found.graph.initializer.extend(stored)
    found.graph.initializer.append(_weights("unread", 256, 512))
    return found


@pytest.mark.parametrize(
    ("nodes", "request_", "step"),
    [
        ("a = MatMul (x, w) y = Relu (a)", Request(four=True), "widen-interface"),
        ("a = MatMul (x, w) y = Relu (a)", Request(opset=18), "convert-opset"),
        ("a = MatMul (x, w) b = Relu (a) y = Sigmoid (b)", Request(ends=("b",)), "cut-outputs"),
        ("a = Transpose <perm = [0, -1, 1]> (x) b = Transpose <perm = [0, 2, 1]> (a) y = MatMul (b, w)", Request(),
         "count-axes-from-front"),
        ("a = local.f (x, w) y = Relu (a)", Request(), "inline-functions"),
    ],
)  # fmt: skip
def test_what_is_prepared_is_prepared_the_same(
    nodes: str, request_: Request, step: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = f"""<ir_version: 8, opset_import: ["" : 17, "local" : 1]>
g (float[1,8,256] x) => (float[1,8,512] y) {{ {nodes} }}
<opset_import: ["" : 17], domain: "local"> f (a, b) => (c) {{ c = MatMul (a, b) }}"""
    original = onnx.parser.parse_model(text)
    original.graph.initializer.append(_weights("w", 256, 512))
    if "local" not in nodes:
        del original.functions[:]
    onnx.save(original, tmp_path / "in.onnx")
    outcomes = []
    for least in (shelves.WORTHWHILE, 0):
        monkeypatch.setattr(shelves, "WORTHWHILE", least)
        out = tmp_path / f"{least}.onnx"
        fixed = fix(str(tmp_path / "in.onnx"), str(out), profile(PROFILE), request_)
        assert step in [one.name for one in fixed.applied]
        assert fixed.whole is not None
        assert fixed.whole.ran
        steps = [(one.name, one.proof and one.proof.kind, one.reason) for one in fixed.steps]
        outcomes.append((out.read_bytes(), fixed.whole, steps))
    assert outcomes[0] == outcomes[1]
    assert not [path for path in os.listdir(tmp_path) if path.startswith(".safecheck")]


def test_inference_reads_nothing_that_is_put_aside() -> None:
    """Elements that steer shapes are among the few that are kept; of anything on the shelf it sees type and shape."""
    assert shelves.LARGE // 8 > MAX_SCALES


@pytest.mark.parametrize("external", [False, True])
@pytest.mark.parametrize("name", NETWORKS)
def test_a_model_is_rewritten_to_the_same_bytes(
    name: str, external: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And no weight stays that nobody reads any more: products that became convolutions held theirs twice."""
    place = tmp_path / "in.onnx"
    onnx.save(network(name), place, save_as_external_data=external, location="in.data")
    outcomes = []
    for least in (shelves.WORTHWHILE, 0):
        monkeypatch.setattr(shelves, "WORTHWHILE", least)
        out = tmp_path / str(least) / "out.onnx"
        out.parent.mkdir()
        fixed = fix(str(place), str(out), profile(PROFILE), Request())
        assert fixed.whole is not None
        assert fixed.whole.ran
        assert fixed.whole.holds
        files = {path.name: path.read_bytes() for path in out.parent.iterdir()}
        outcomes.append((files, [(step.name, step.proof and step.proof.kind, step.reason) for step in fixed.steps]))
    assert outcomes[0] == outcomes[1]
    made = onnx.load(out)
    read = {name for node in made.graph.node for name in node.input}
    assert {tensor.name for tensor in made.graph.initializer} - read == {"unread"}  # as nobody read it before


def test_no_room_is_one_line(everything: None, tmp_path: Path) -> None:
    with Shelf(0, str(tmp_path / "nowhere")) as shelf, pytest.raises(SafecheckError) as caught:
        shelf.emptied(with_everything_around())
    assert caught.value.code == "SC-OUT-WRITE"
    assert "large weights cannot be put aside there: No such file or directory" in str(caught.value)
