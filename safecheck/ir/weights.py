"""Tensors as numpy arrays and back; the one room of `onnx.numpy_helper`."""

from __future__ import annotations

from math import prod
from typing import Any

from safecheck.intake.dtypes import dtype_number
from safecheck.intake.onnx_library import messages
from safecheck.ir.signature import MAX_INTEGERS, UNKNOWN_TENSOR, Tensor


def without_payload(tensor: Any) -> Any:
    """The tensor itself if it is small, else its name, type and shape."""
    if prod(tensor.dims) <= MAX_INTEGERS:
        return tensor
    proto = messages().TensorProto
    return proto(name=tensor.name, data_type=tensor.data_type, dims=tensor.dims, data_location=proto.EXTERNAL)


def array_of(tensor: Any) -> Any:
    """The elements of a TensorProto with inline data, read-only."""
    from onnx import numpy_helper  # noqa: TID251

    array = numpy_helper.to_array(tensor)
    array.flags.writeable = False
    return array


def proto_of(name: str, array: Any) -> Any:
    """A TensorProto with raw data."""
    from onnx import numpy_helper  # noqa: TID251

    return numpy_helper.from_array(array, name)


def numpy_type(dtype: str) -> Any:
    """The numpy type of an ONNX element type such as `FLOAT`."""
    from onnx import helper  # noqa: TID251

    return helper.tensor_dtype_to_np_dtype(dtype_number(dtype))


def value_info(name: str, tensor: Tensor) -> Any:
    """A ValueInfoProto with what is known of a value."""
    value = messages().ValueInfoProto(name=name)
    if tensor == UNKNOWN_TENSOR:
        return value
    kind = value.type.tensor_type
    kind.elem_type = dtype_number(tensor.dtype)
    if tensor.shape is not None:
        kind.shape.SetInParent()
        for dim in tensor.shape:
            entry = kind.shape.dim.add()
            if isinstance(dim, int):
                entry.dim_value = dim
            elif isinstance(dim, str):
                entry.dim_param = dim
    return value
