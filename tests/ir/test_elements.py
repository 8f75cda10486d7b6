"""The elements of small tensors, in every field that may hold them."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import helper

from safecheck.ir.protos import tensor_from_proto


@pytest.mark.parametrize("raw", [True, False])
@pytest.mark.parametrize(("dtype", "values"), [("FLOAT16", [0.5, -2.0, 0.0]), ("BFLOAT16", [0.5, -2.0, 0.0])])
def test_two_byte_floats(dtype: str, values: list[float], raw: bool) -> None:
    number = onnx.TensorProto.DataType.Value(dtype)
    bits = np.array(values, helper.tensor_dtype_to_np_dtype(number)).view(np.uint16)
    tensor = onnx.TensorProto(data_type=number, dims=[3])
    if raw:
        tensor.raw_data = bits.tobytes()
    else:
        tensor.int32_data.extend(bits.tolist())
    assert tensor_from_proto(tensor).values == tuple(values)
    tensor.dims[0] = 4
    assert tensor_from_proto(tensor).values is None


@pytest.mark.parametrize(("entries", "expected"), [([0, 0], (0, 0)), ([0, 1], None)])
def test_only_zeros_of_fp8_are_read(entries: list[int], expected: tuple[int, ...] | None) -> None:
    number = onnx.TensorProto.FLOAT8E4M3FN
    assert tensor_from_proto(onnx.TensorProto(data_type=number, dims=[2], int32_data=entries)).values == expected
    assert tensor_from_proto(onnx.TensorProto(data_type=number, dims=[2], raw_data=bytes(entries))).values == expected
