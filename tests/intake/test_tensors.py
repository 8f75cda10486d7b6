"""Every tensor is found wherever it stands, and each contradiction in one has its code."""

from __future__ import annotations

import struct

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from safecheck.errors import InputError
from safecheck.intake import dtypes
from safecheck.intake.tensors import byte_size, check_tensor, place_of, tensors
from safecheck.intake.wire import Stripped, strip

NOTHING_CUT = Stripped(b"", (), "00")
ELEMENT_TYPES = [number for number in TensorProto.DataType.values() if number not in (0, 8)]


def named(name: str) -> TensorProto:
    return helper.make_tensor(name, 1, [2], [1.0, 2.0])


def sparse(name: str) -> onnx.SparseTensorProto:
    return helper.make_sparse_tensor(named(name), helper.make_tensor(f"{name}-i", 7, [2], [0, 1]), [4])


def test_finds_every_tensor():
    inner = helper.make_graph([], "inner", [], [], [named("inner")])
    branch = helper.make_graph([helper.make_node("Loop", [], [], body=inner)], "branch", [], [], [named("branch")])
    nodes = [
        helper.make_node("If", ["c"], ["y"], name="n", then_branch=branch),
        helper.make_node("Constant", [], ["k"], value=named("value")),
        helper.make_node("Constant", [], ["k"], sparse_value=sparse("sparse")),
        helper.make_node("Custom", [], ["k"], several=[named("t0"), named("t1")]),
        helper.make_node("Custom", [], ["k"], graphs=[inner, inner]),
    ]
    graph = helper.make_graph(nodes, "g", [], [], [named("init")], sparse_initializer=[sparse("si")])
    function = helper.make_function("com.x", "F", [], ["y"], [nodes[1]], [], attributes=["a"])
    function.attribute_proto.append(helper.make_attribute("default", named("default")))
    model = helper.make_model(graph, functions=[function])
    training = model.training_info.add()
    training.initialization.initializer.append(named("start"))
    training.algorithm.node.append(helper.make_node("Constant", [], ["k"], value=named("step")))
    # a type tag that lies must not hide the tensor
    model.graph.node[1].attribute[0].type = onnx.AttributeProto.INT

    assert [place_of(model, position) for position, _ in enumerate(tensors(model))] == [
        'graph.initializer[0] "init"',
        'graph.sparse_initializer[0].values "si"',
        'graph.sparse_initializer[0].indices "si-i"',
        'graph.node[1](Constant).value "value"',
        'graph.node[2](Constant).sparse_value.values "sparse"',
        'graph.node[2](Constant).sparse_value.indices "sparse-i"',
        'graph.node[3](Custom).several[0] "t0"',
        'graph.node[3](Custom).several[1] "t1"',
        'graph.node[0](If).then_branch.initializer[0] "branch"',
        'graph.node[0](If).then_branch.node[0](Loop).body.initializer[0] "inner"',
        'graph.node[4](Custom).graphs[0].initializer[0] "inner"',
        'graph.node[4](Custom).graphs[1].initializer[0] "inner"',
        'training_info[0].initialization.initializer[0] "start"',
        'training_info[0].algorithm.node[0](Constant).value "step"',
        'functions[0](F).default "default"',
        'functions[0](F).node[0](Constant).value "value"',
    ]


def test_places_are_short_and_visible():
    model = onnx.ModelProto()
    graph = model.graph
    for _ in range(30):
        attribute = graph.node.add(op_type="If\x1b\n").attribute.add(name="\u202e" * 100)
        graph = attribute.g
    graph.initializer.add(name="x\0" * 1000)
    place = place_of(model, 0)
    assert len(place) < 600
    assert place.isprintable()


def refusal(tensor: TensorProto, stripped: Stripped = NOTHING_CUT) -> str:
    with pytest.raises(InputError) as caught:
        check_tensor("graph.initializer[0]", tensor, stripped)
    assert caught.value.where == "graph.initializer[0]"
    return caught.value.code


@pytest.mark.parametrize("data_type", ELEMENT_TYPES)
@pytest.mark.parametrize("count", [0, 1, 3, 7, 8])
@pytest.mark.parametrize("raw", [False, True])
def test_what_onnx_writes_is_accepted(data_type, count, raw):
    dtype = helper.tensor_dtype_to_np_dtype(data_type)
    array = np.zeros((count,), dtype)
    tensor = onnx.numpy_helper.from_array(array) if raw else helper.make_tensor("t", data_type, [count], array)
    assert tensor.data_type == data_type
    check_tensor("", tensor, NOTHING_CUT)
    if raw:
        assert byte_size("", tensor) == len(tensor.raw_data)
        tensor.raw_data += b"\0"
    else:
        tensor.dims[0] += 8
    assert refusal(tensor) == "SC-MODEL-TENSORSIZE"


def test_strings_and_scalars():
    check_tensor("", helper.make_tensor("t", 8, [2], [b"a", b"b"]), NOTHING_CUT)
    check_tensor("", helper.make_tensor("t", 1, [], [1.0]), NOTHING_CUT)
    check_tensor("", TensorProto(data_type=1, dims=[0, 5]), NOTHING_CUT)


def test_the_type_table_covers_the_installed_onnx():
    assert {row.number: row.name for row in dtypes.ELEMENT_TYPES} == {
        number: name for name, number in TensorProto.DataType.items() if number
    }
    for row in dtypes.ELEMENT_TYPES:
        assert helper.tensor_dtype_to_field(row.number) == row.field
        if row.code:
            assert np.dtype(row.code) == helper.tensor_dtype_to_np_dtype(row.number)
            assert struct.calcsize(f"<{row.code}") == row.size(1)


def external(**fields) -> TensorProto:
    tensor = TensorProto(data_type=1, dims=[2], data_location=TensorProto.EXTERNAL, **fields)
    tensor.external_data.add(key="location", value="w.bin")
    return tensor


STRAY = TensorProto(data_type=1, dims=[1], float_data=[1.0])
STRAY.external_data.add(key="location", value="w.bin")
SEGMENT = TensorProto(data_type=1, dims=[1], float_data=[1.0])
SEGMENT.segment.begin = 0


@pytest.mark.parametrize(
    ("code", "tensor"),
    [
        ("SC-MODEL-DTYPE", TensorProto(dims=[1], float_data=[1.0])),
        ("SC-MODEL-DTYPE", TensorProto(data_type=9999, dims=[1])),
        ("SC-MODEL-DTYPE", TensorProto(data_type=-1, dims=[1])),
        ("SC-MODEL-DTYPE", TensorProto(data_type=8, dims=[1], raw_data=b"a")),
        ("SC-MODEL-DTYPE", TensorProto(data_type=7, dims=[1], float_data=[1.0])),
        ("SC-MODEL-DTYPE", TensorProto(data_type=7, dims=[1], float_data=[1.0], int64_data=[1])),
        ("SC-MODEL-DTYPE", TensorProto(data_type=1, dims=[1], int32_data=[1])),
        ("SC-MODEL-DIM", TensorProto(data_type=1, dims=[-1, 3])),
        ("SC-LIM-ELEMENTS", TensorProto(data_type=1, dims=[2**62, 2**62])),
        ("SC-LIM-ELEMENTS", TensorProto(data_type=1, dims=[2**32, 2**32])),
        ("SC-LIM-ELEMENTS", TensorProto(data_type=1, dims=[2**63 - 1])),
        ("SC-LIM-ELEMENTS", TensorProto(data_type=1, dims=[2**32, 2**32, 0])),
        ("SC-LIM-ELEMENTS", TensorProto(data_type=1, dims=[2**40, 2], data_location=TensorProto.EXTERNAL)),
        ("SC-LIM-RANK", TensorProto(data_type=1, dims=[1] * 100_000, float_data=[1.0])),
        ("SC-MODEL-TENSORSIZE", TensorProto(data_type=1, dims=[1000], raw_data=b"abcd")),
        ("SC-MODEL-TENSORSIZE", TensorProto(data_type=1, dims=[1], raw_data=b"abcdefgh")),
        ("SC-MODEL-TENSORSIZE", TensorProto(data_type=1, dims=[1])),
        ("SC-MODEL-TENSORSIZE", TensorProto(data_type=1, raw_data=b"")),
        ("SC-MODEL-TENSORSIZE", TensorProto(data_type=14, dims=[2], float_data=[1.0, 2.0])),
        ("SC-AMB-TENSOR", TensorProto(data_type=1, dims=[1], raw_data=b"abcd", float_data=[1.0])),
        ("SC-AMB-TENSOR", external(raw_data=b"12345678")),
        ("SC-AMB-TENSOR", external(float_data=[1.0, 2.0])),
        ("SC-AMB-TENSOR", STRAY),
        ("SC-AMB-TENSOR", SEGMENT),
    ],
)
def test_refused(code, tensor):
    assert refusal(tensor) == code


def test_external_strings_are_refused():
    check_tensor("", external(), NOTHING_CUT)
    strings = external()
    strings.data_type = 8
    assert refusal(strings) == "SC-MODEL-DTYPE"


def cut(tensor: TensorProto) -> tuple[TensorProto, Stripped]:
    stripped = strip(onnx.ModelProto(graph=onnx.GraphProto(initializer=[tensor])).SerializeToString(), 512)
    assert len(stripped.payloads) == 1
    return onnx.ModelProto.FromString(stripped.data).graph.initializer[0], stripped


@pytest.mark.parametrize(
    ("code", "tensor"),
    [
        ("", TensorProto(data_type=1, dims=[2000], raw_data=bytes(8000))),
        ("", TensorProto(data_type=1, dims=[2000], float_data=[0.0] * 2000)),
        ("", TensorProto(data_type=1, dims=[2000], raw_data=bytes(8000), data_location=TensorProto.DEFAULT)),
        ("", TensorProto(data_type=22, dims=[9999], raw_data=bytes(5000))),
        ("", TensorProto(data_type=22, dims=[9999], int32_data=[7] * 5000)),
        ("", TensorProto(data_type=14, dims=[2500], float_data=[0.0] * 5000)),
        ("", TensorProto(data_type=7, dims=[5000], int64_data=[-1] * 5000)),
        ("", TensorProto(data_type=8, dims=[500], string_data=[b"0123456789"] * 500)),
        ("SC-MODEL-TENSORSIZE", TensorProto(data_type=1, dims=[2000], raw_data=bytes(8001))),
        ("SC-MODEL-TENSORSIZE", TensorProto(data_type=7, dims=[5000], int64_data=[-1] * 5001)),
        ("SC-MODEL-DTYPE", TensorProto(data_type=8, dims=[500], raw_data=bytes(5000))),
        ("SC-MODEL-DTYPE", TensorProto(data_type=1, dims=[5000], int32_data=[1] * 5000)),
        ("SC-AMB-TENSOR", TensorProto(data_type=1, dims=[2000], raw_data=bytes(8000), int32_data=[1])),
    ],
)
def test_cut_tensors_are_checked_by_their_record(code, tensor):
    marked, stripped = cut(tensor)
    if code:
        assert refusal(marked, stripped) == code
    else:
        check_tensor("", marked, stripped)
