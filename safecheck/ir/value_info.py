"""ValueInfoProtos: what a file or ONNX's inference says about the type and shape of a value."""

from __future__ import annotations

from typing import Any

from safecheck.intake.dtypes import dtype_name, dtype_number
from safecheck.intake.onnx_library import messages
from safecheck.ir.signature import Tensor


def symbols(graph: Any) -> frozenset[str]:
    """Names of the symbolic dimensions that network inputs declare.

    Inference invents names for dimensions it cannot compute; only the declared ones mean a dynamic shape.
    """
    found: set[str] = set()
    for value in graph.input:
        shape = tensor_of(value).shape or ()
        found.update(dim for dim in shape if isinstance(dim, str))
    return frozenset(found)


def tensor_of(value: Any, declared: frozenset[str] | None = None) -> Tensor:
    """The dtype and shape of a ValueInfoProto; unknown for sequences, maps and optionals.

    With `declared`, a symbolic dimension of another name is an unknown one.
    """
    type_ = value.type
    if not type_.HasField("tensor_type"):
        return Tensor(None, None)
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


def value_of(name: str, tensor: Tensor) -> Any:
    """The ValueInfoProto of a tensor whose dimensions are numbers."""
    value = messages().ValueInfoProto(name=name)
    kind = value.type.tensor_type
    kind.elem_type = dtype_number(tensor.dtype)
    kind.shape.SetInParent()
    for dim in tensor.shape or ():
        kind.shape.dim.add().dim_value = int(dim) if dim is not None else 0
    return value
