"""The identity of a signature: a rule may speak of exactly what somebody has measured, and of nothing beside it."""

from __future__ import annotations

import hashlib
from math import prod

from safecheck.ir.signature import (
    MAX_FLOATS,
    MAX_SCALES,
    UNKNOWN,
    WEIGHTED,
    FactValue,
    Signature,
    Tensor,
    Unknown,
    keeps_elements,
)


def form_id(node: Signature) -> FactValue:
    """Hash of operator, opset, attributes, and of types, shapes and small constants of all tensors.

    Neighbours are left out: a form is asked about alone, and what its neighbours forbid stays forbidden.
    """
    tensors = [_tensor(tensor, node.op_type) for side in (node.inputs, node.outputs) for tensor in (*side, None)]
    if UNKNOWN in tensors or any(_unknown(value) for _, value in node.attributes):
        return UNKNOWN
    parts: tuple[object, ...] = (
        node.domain,
        node.op_type,
        node.opset,
        node.static_shapes_only,
        node.attributes,
        tensors,
    )
    return hashlib.sha256(repr(parts).encode("utf-8", "backslashreplace")).hexdigest()[:32]


def _unknown(value: object) -> bool:
    return value is UNKNOWN or (isinstance(value, tuple) and any(map(_unknown, value)))


def _tensor(tensor: Tensor | None, op_type: str) -> tuple[object, ...] | Unknown:
    if tensor is None:
        return ()
    dims = tensor.dims
    if tensor.dtype is None or isinstance(dims, Unknown):
        return UNKNOWN
    floats = MAX_SCALES if op_type in ("QuantizeLinear", "DequantizeLinear") else MAX_FLOATS
    kept = tensor.constant and op_type not in WEIGHTED and keeps_elements(tensor.dtype, prod(dims), floats)
    if kept and tensor.values is None:
        return UNKNOWN
    return tensor.dtype, dims, tensor.constant, tensor.values if kept else None, tensor.computed
