"""Tensors and values as protobuf messages and back; arrays too, for which numpy is loaded when they are asked for."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from math import prod
from typing import Any

from safecheck.finding import Scalar
from safecheck.intake.dtypes import BY_NAME, BY_NUMBER, ElementType, dtype_name, dtype_number
from safecheck.intake.extent import extent_of
from safecheck.intake.onnx_library import messages
from safecheck.ir.signature import MAX_FLOATS, MAX_INTEGERS, MAX_SCALES, UNKNOWN, UNKNOWN_TENSOR, Tensor, keeps_elements

_EXTERNAL = 1  # TensorProto.DataLocation


def tensor_from_proto(proto: Any, floats: int = MAX_FLOATS) -> Tensor:
    """What a TensorProto says about itself; its elements only if they are few (of floats `floats`) and inline."""
    shape = tuple(proto.dims)
    type_ = BY_NUMBER.get(proto.data_type)
    extent = extent_of(proto) if proto.metadata_props else ()
    return Tensor(type_ and type_.name, shape, True, _elements(proto, type_, prod(shape), floats), extent=extent)


def _elements(proto: Any, type_: ElementType | None, count: int, floats: int) -> tuple[Scalar, ...] | None:
    if type_ is None or not (type_.code or type_.name == "BFLOAT16"):
        return _all_zero(proto, count, floats)
    if not keeps_elements(type_.name, count, floats) or proto.data_location == _EXTERNAL:
        return None
    if type_.name in ("FLOAT16", "BFLOAT16"):
        bits = _sixteen_bits(proto, count)
        if bits is None:
            return None
        if type_.name == "BFLOAT16":  # the upper half of a FLOAT
            return struct.unpack(f"<{count}f", struct.pack(f"<{count}I", *(half << 16 for half in bits)))
        return struct.unpack(f"<{count}e", struct.pack(f"<{count}H", *bits))
    if proto.HasField("raw_data"):
        layout = f"<{count}{type_.code}"
        return struct.unpack(layout, proto.raw_data) if len(proto.raw_data) == struct.calcsize(layout) else None
    values = tuple(getattr(proto, type_.field))
    if len(values) != count:
        return None
    if type_.name == "FLOAT16":  # int32_data holds the bits and not the number
        return struct.unpack(f"<{count}e", struct.pack(f"<{count}H", *(value & 0xFFFF for value in values)))
    return tuple(bool(value) for value in values) if type_.name == "BOOL" else values


def _sixteen_bits(proto: Any, count: int) -> tuple[int, ...] | None:
    """The bits of two-byte floats; int32_data holds bits as well, one element in each entry."""
    if proto.HasField("raw_data"):
        return struct.unpack(f"<{count}H", proto.raw_data) if len(proto.raw_data) == 2 * count else None
    return tuple(entry & 0xFFFF for entry in proto.int32_data) if len(proto.int32_data) == count else None


def _all_zero(proto: Any, count: int, floats: int) -> tuple[Scalar, ...] | None:
    """Zeros of a type without a decoder here, such as FP8: a zero point asks for no more."""
    held = proto.raw_data or proto.int32_data
    if not 0 < count <= max(floats, MAX_INTEGERS) or proto.data_location == _EXTERNAL or not held:
        return None
    return None if any(held) else (0,) * count


def tensor_from_constant(attributes: Any, floats: int = MAX_FLOATS) -> Tensor:
    """The tensor of a Constant node from its one attribute, in whichever of the spellings ONNX has."""
    for attribute in attributes:
        name = attribute.name
        if name == "value":
            return tensor_from_proto(attribute.t, floats)
        if name == "value_int":
            return Tensor("INT64", (), True, (attribute.i,))
        if name == "value_float":
            return Tensor("FLOAT", (), True, (attribute.f,))
        if name == "value_ints":
            ints = attribute.ints
            if len(ints) > MAX_INTEGERS:
                return Tensor("INT64", (len(ints),), True, extent=(min(ints), max(ints)))
            return Tensor("INT64", (len(ints),), True, tuple(ints))
        if name == "value_floats":
            kept = tuple(attribute.floats) if len(attribute.floats) <= floats else None
            return Tensor("FLOAT", (len(attribute.floats),), True, kept)
        if name in ("value_string", "value_strings"):
            return Tensor("STRING", None, True)
        if name == "sparse_value":
            sparse = attribute.sparse_tensor
            return Tensor(dtype_name(sparse.values.data_type), tuple(sparse.dims), True)
    return Tensor(None, None, True)


def tensor_from_value_info(value: Any, declared: frozenset[str] | None = None) -> Tensor:
    """The dtype and shape of a ValueInfoProto; unknown for sequences, maps and optionals.

    With `declared`, a symbolic dimension of another name is an unknown one.
    """
    type_ = value.type
    if not type_.HasField("tensor_type"):
        return UNKNOWN_TENSOR
    kind = type_.tensor_type
    if not kind.HasField("shape"):
        return Tensor(dtype_name(kind.elem_type), None)
    proto_dims = kind.shape.dim
    dims: tuple[int | str | None, ...] = tuple([dim.dim_value for dim in proto_dims])
    if all(dim > 0 for dim in dims if isinstance(dim, int)):
        return Tensor(dtype_name(kind.elem_type), dims)  # a symbolic or unknown dimension reads as 0
    dims = tuple(_dimension(dim) for dim in proto_dims)
    if declared is not None:
        dims = tuple(None if isinstance(dim, str) and dim not in declared else dim for dim in dims)
    return Tensor(dtype_name(kind.elem_type), dims)


def _dimension(dim: Any) -> int | str | None:
    which = dim.WhichOneof("value")
    if which == "dim_value":
        # A negative dimension is no dimension; writers use -1 for a dynamic one.
        return int(dim.dim_value) if dim.dim_value >= 0 else str(dim.dim_value)
    return str(dim.dim_param) if which == "dim_param" and dim.dim_param else None


def writable(tensor: Tensor) -> bool:
    """Whether the elements of a tensor are known and can be written into an initializer."""
    return tensor.values is not None and bool(_code(tensor)) and tensor.dims is not UNKNOWN


def proto_from_tensor(name: str, tensor: Tensor) -> Any:
    """An initializer with the elements of a small tensor."""
    dims = () if tensor.dims is UNKNOWN else tensor.dims
    proto = messages().TensorProto(name=name, data_type=dtype_number(tensor.dtype), dims=dims)
    values = tensor.values or ()
    proto.raw_data = struct.pack(f"<{len(values)}{_code(tensor)}", *values)
    return proto


def _code(tensor: Tensor) -> str:
    return BY_NAME[tensor.dtype].code if tensor.dtype is not None else ""


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


def without_payload(tensor: Any) -> Any:
    """The TensorProto itself if it is small, else its name, type and shape."""
    if prod(tensor.dims) <= MAX_SCALES:
        return tensor
    proto = messages().TensorProto
    return proto(name=tensor.name, data_type=tensor.data_type, dims=tensor.dims, data_location=proto.EXTERNAL)


def sketch(name: str, array: Any) -> Any:
    """What `without_payload` makes of an initializer with these elements, which are copied only if they are few."""
    if array.size <= MAX_SCALES:
        return proto_from_array(name, array)
    proto = messages().TensorProto
    return proto(name=name, data_type=number_of_array(array), dims=array.shape, data_location=proto.EXTERNAL)


def array_of(tensor: Any) -> Any:
    """The elements of a TensorProto with inline data, read-only, in its shape."""
    from onnx import numpy_helper

    array = numpy_helper.to_array(tensor)
    array.flags.writeable = False
    return array


def proto_from_array(name: str, array: Any) -> Any:
    """A TensorProto with raw data."""
    from onnx import numpy_helper

    return numpy_helper.from_array(array, name)


def numpy_type(dtype: str) -> Any:
    """The numpy type of an ONNX element type such as `FLOAT`."""
    from onnx import helper

    return helper.tensor_dtype_to_np_dtype(dtype_number(dtype))


def type_of_array(array: Any) -> Tensor:
    """The type of an array that a TensorProto could hold.

    Raises:
        ValueError: ONNX has no such element type.
    """
    return Tensor(dtype_name(number_of_array(array)), array.shape)


def number_of_array(array: Any) -> int:
    """The element type of such an array as TensorProto numbers it.

    Raises:
        ValueError: ONNX has no such element type.
    """
    from onnx import helper

    return int(helper.np_dtype_to_tensor_dtype(array.dtype))


def standalone(
    nodes: Iterable[Any],
    inputs: Iterable[Any],
    outputs: Iterable[Any],
    initializers: Iterable[Any],
    opsets: Iterable[Any],
    ir_version: int,
) -> Any:
    """Some nodes as a ModelProto of their own, which copies them.

    Inputs and outputs are ValueInfoProtos, initializers TensorProtos, `opsets` the imports of the model that the nodes
    are from.
    """
    model = messages().ModelProto(ir_version=ir_version)
    model.opset_import.extend(opsets)
    model.graph.name = "part"
    model.graph.node.extend(nodes)
    model.graph.input.extend(inputs)
    model.graph.output.extend(outputs)
    model.graph.initializer.extend(initializers)
    return model
