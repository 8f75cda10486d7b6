"""Small constants: the elements that facts may ask for, read without numpy."""

from __future__ import annotations

import struct
from math import prod
from typing import Any

from safecheck.finding import Scalar
from safecheck.intake.dtypes import BY_NAME, dtype_name, dtype_number
from safecheck.intake.onnx_library import messages
from safecheck.ir.signature import MAX_FLOATS, MAX_INTEGERS, UNKNOWN, Tensor, keeps_elements

_EXTERNAL = 1  # TensorProto.DataLocation


def tensor_of(proto: Any, floats: int = MAX_FLOATS) -> Tensor:
    """What a TensorProto says about itself; its elements only if they are few (of floats `floats`) and inline."""
    dtype = dtype_name(proto.data_type)
    shape = tuple(proto.dims)
    return Tensor(dtype, shape, True, _elements(proto, dtype, shape, floats))


def _elements(proto: Any, dtype: str | None, shape: tuple[int, ...], floats: int) -> tuple[Scalar, ...] | None:
    count = prod(shape)
    type_ = BY_NAME.get(dtype or "")
    if type_ is None or not type_.code:
        return _all_zero(proto, count)
    if not keeps_elements(type_.name, count, floats):
        return None
    if proto.data_location == _EXTERNAL:
        return None
    if proto.HasField("raw_data"):
        layout = f"<{count}{type_.code}"
        return struct.unpack(layout, proto.raw_data) if len(proto.raw_data) == struct.calcsize(layout) else None
    # of a FLOAT16, int32_data holds the bits and not the number
    values = () if dtype == "FLOAT16" else tuple(getattr(proto, type_.field))
    if len(values) != count:
        return None
    return tuple(bool(value) for value in values) if dtype == "BOOL" else values


def writable(tensor: Tensor) -> bool:
    """Whether the elements of a tensor are known and can be written into an initializer."""
    return tensor.values is not None and bool(_code(tensor)) and tensor.dims is not UNKNOWN


def proto_of(name: str, tensor: Tensor) -> Any:
    """An initializer with the elements of a small tensor."""
    proto = messages().TensorProto(name=name, data_type=dtype_number(tensor.dtype), dims=_dims(tensor))
    values = tensor.values or ()
    proto.raw_data = struct.pack(f"<{len(values)}{_code(tensor)}", *values)
    return proto


def _code(tensor: Tensor) -> str:
    return BY_NAME[tensor.dtype].code if tensor.dtype is not None else ""


def _all_zero(proto: Any, count: int) -> tuple[Scalar, ...] | None:
    """Zeros of a type without a decoder here, such as FP8: a zero point asks for no more."""
    if not 0 < count <= MAX_INTEGERS or proto.data_location == _EXTERNAL or not proto.raw_data:
        return None
    return None if any(proto.raw_data) else (0,) * count


def _dims(tensor: Tensor) -> tuple[int, ...]:
    return () if tensor.dims is UNKNOWN else tensor.dims


def constant_node_tensor(attributes: Any) -> Tensor:
    """The tensor of a Constant node from its one attribute, in whichever of the spellings ONNX has."""
    for attribute in attributes:
        name = attribute.name
        if name == "value":
            return tensor_of(attribute.t)
        if name == "value_int":
            return Tensor("INT64", (), True, (attribute.i,))
        if name == "value_float":
            return Tensor("FLOAT", (), True, (attribute.f,))
        if name == "value_ints":
            return Tensor("INT64", (len(attribute.ints),), True, tuple(attribute.ints[: MAX_INTEGERS + 1]))
        if name == "value_floats":
            kept = tuple(attribute.floats) if len(attribute.floats) <= MAX_FLOATS else None
            return Tensor("FLOAT", (len(attribute.floats),), True, kept)
        if name in ("value_string", "value_strings"):
            return Tensor("STRING", None, True)
        if name == "sparse_value":
            return Tensor(
                dtype_name(attribute.sparse_tensor.values.data_type), tuple(attribute.sparse_tensor.dims), True
            )
    return Tensor(None, None, True)
