"""Constant indices are held against the data however many they are: of more than 4,096 none was looked at."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from safecheck.errors import InputError
from safecheck.intake import extent
from safecheck.ir.model import load
from safecheck.rulebook.load import profile
from safecheck.usecases.audit import audit_model

COUNTS = (4096, 4097, 8192, 8193, 70_000)
"""Around what is kept of INT64 and INT32, and what is looked at with numpy."""
STORED = ("raw", "typed", "external", "Constant", "value_ints", "function")


def _node(op_type: str, count: int) -> tuple[str, list[int], list[int], dict[str, int]]:
    """Shape of the data, of which every indexed dimension has 16, of the indices and attributes."""
    if op_type == "GatherND":
        return op_type, [16, 16, 2], [count // 2 + 1, 2], {}
    if op_type == "ScatterND":
        return op_type, [16, 16], [count // 2 + 1, 2], {}
    if op_type == "GatherElements":
        return op_type, [1, 16], [1, count], {"axis": 1}
    if op_type == "ScatterElements":
        return op_type, [count, 16], [count, 1], {"axis": 1}
    return op_type, [16, 2], [count], {"axis": 0}


OPERATORS = ("Gather", "GatherElements", "GatherND", "ScatterElements", "ScatterND")


def _model(op_type: str, count: int, stored: str, indices: Any) -> onnx.ModelProto:
    _, data, shape, attributes = _node(op_type, count)
    array = indices.reshape(shape)
    if stored == "typed":
        tensor = helper.make_tensor("i", helper.np_dtype_to_tensor_dtype(array.dtype), shape, array.reshape(-1))
    else:
        tensor = numpy_helper.from_array(array, "i")
    reads = ["x", "i", "u"] if op_type.startswith("Scatter") else ["x", "i"]
    nodes, inner = [helper.make_node(op_type, reads, ["y"], "used", **attributes)], "i"
    kept = [tensor]
    if stored == "Constant":
        kept, nodes = [], [helper.make_node("Constant", [], [inner], value=tensor), *nodes]
    if stored == "value_ints":
        kept, nodes = [], [helper.make_node("Constant", [], [inner], value_ints=array.tolist()), *nodes]
    functions = []
    if stored == "function":
        imports = [helper.make_opsetid("", 18)]
        functions = [helper.make_function("local", "f", reads, ["y"], [nodes[0]], imports)]
        nodes = [helper.make_node("f", reads, ["y"], "called", domain="local")]
    if "u" in reads:
        updates = shape[:1] if op_type == "ScatterND" else shape
        kept.append(numpy_helper.from_array(np.zeros(updates, np.float32), "u"))
    given = helper.make_tensor_value_info("x", TensorProto.FLOAT, data)
    made = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
    graph = helper.make_graph(nodes, "g", [given], [made], kept)
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid("local", 1)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8, functions=functions)


def _saved(model: onnx.ModelProto, stored: str, folder: Path) -> str:
    path = folder / "model.onnx"
    if stored == "external":
        onnx.save(model, path, save_as_external_data=True, location="weights", size_threshold=0)
    else:
        onnx.save(model, path)
    return str(path)


@pytest.mark.parametrize(
    ("op_type", "stored"),
    [pair for pair in product(OPERATORS, STORED) if pair[1] != "value_ints" or pair[0] == "Gather"],
)  # a list has one dimension
def test_one_index_out_of_range_among_many_is_refused(op_type: str, stored: str, tmp_path: Path) -> None:
    """Wherever it stands, whatever holds it: the network cannot be run. With the last index of the axis it can."""
    rulebook = profile("tensorrt-10-safety")
    for count, kind in product(COUNTS, (np.int32, np.int64)):
        if kind is np.int32 and (stored == "value_ints" or op_type.endswith("ND")):
            continue  # ONNX knows neither
        size = int(np.prod(_node(op_type, count)[2]))
        for place, index in ((0, 16), (size // 2, -17), (size - 1, 16), (size - 1, -16), (0, 15)):
            indices = np.random.default_rng(count).integers(-16, 16, size).astype(kind)
            indices[place] = index
            path = _saved(_model(op_type, count, stored, indices), stored, tmp_path)
            report = audit_model(path, rulebook)
            problem = "" if report.error is None else f"{report.error.code} {report.error.what}"
            if index in (15, -16):
                assert problem == "", (count, kind, place, index)
            else:
                assert problem.startswith("SC-ONNX-OPERAND"), (count, kind, place, index)
                assert f"the indices hold {index}, but dimension " in problem


@pytest.mark.parametrize("external", [False, True])
def test_every_column_is_about_an_axis_of_its_own(external: bool, tmp_path: Path) -> None:
    indices = np.tile(np.array([[99, 3]], np.int64), (30_000, 1))  # the first axis has 100 elements, the second four
    given = helper.make_tensor_value_info("x", TensorProto.FLOAT, [100, 4])
    made = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
    for column, expected in ((None, False), (0, False), (1, True)):
        stored = indices.copy()
        if column is not None:
            stored[20_000, column] = 98 if column == 0 else 4
        node = helper.make_node("GatherND", ["x", "i"], ["y"])
        graph = helper.make_graph([node], "g", [given], [made], [numpy_helper.from_array(stored, "i")])
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
        report = audit_model(_saved(model, "external" if external else "raw", tmp_path), profile("tensorrt-10-safety"))
        assert (report.error is not None) is expected


def test_no_file_says_itself_what_its_indices_are(tmp_path: Path) -> None:
    """The note is under a name that no file can know; what a file has under any other counts for nothing."""
    indices = np.zeros(5000, np.int64)
    indices[7] = 16
    model = _model("Gather", 5000, "raw", indices)
    model.graph.initializer[0].metadata_props.add(key="safecheck.extent", value="0 0")
    report = audit_model(_saved(model, "raw", tmp_path), profile("tensorrt-10-safety"))
    assert report.error is not None
    assert report.error.code == "SC-ONNX-OPERAND"


def test_too_many_that_are_no_raw_data_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extent, "_MOST_TYPED", 60_000)
    for count, refused in ((50_000, False), (70_000, True)):
        path = _saved(_model("Gather", count, "typed", np.zeros(count, np.int64)), "typed", tmp_path)
        if refused:
            with pytest.raises(InputError, match="60000 bytes of integers that are not raw data") as caught:
                load(path)
            assert caught.value.code == "SC-LIM-FIELDS"
        else:
            load(path)
