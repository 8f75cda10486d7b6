"""ONNX operator schemas, read from the onnx library: attribute defaults and which operators exist."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from safecheck.intake.onnx_library import library, messages
from safecheck.ir.signature import UNKNOWN, FactValue


@cache
def schema_of(op_type: str, domain: str, opset: int) -> Any:
    """The OpSchema of an operator at an opset; None if ONNX does not define it."""
    defs = library().defs
    try:
        return defs.get_schema(op_type, opset, domain)
    except (defs.SchemaError, TypeError, ValueError):
        return None


def known(op_type: str, domain: str, opset: int) -> bool:
    """Whether ONNX defines this operator at this opset."""
    return schema_of(op_type, domain, opset) is not None


def since_version(op_type: str, opset: int) -> int:
    """The operator set that brought the form of a standard operator which holds in another; 0 if there is none."""
    schema = schema_of(op_type, "", opset)
    return 0 if schema is None else int(schema.since_version)


@cache
def default(op_type: str, domain: str, opset: int, attribute: str) -> FactValue:
    """The ONNX default of an attribute; UNKNOWN if it has none or the operator is unknown."""
    schema = schema_of(op_type, domain, opset)
    declared = schema.attributes.get(attribute) if schema is not None else None
    if declared is None or not declared._default_value:
        return UNKNOWN
    proto = messages().AttributeProto()
    proto.ParseFromString(declared._default_value)
    return attribute_value(proto)


def attribute_value(proto: Any) -> FactValue:
    """An attribute as numbers, text or tuples of them; UNKNOWN for tensors, graphs, types and function parameters."""
    if proto.ref_attr_name:
        return UNKNOWN
    reader = _READERS.get(proto.type)
    return UNKNOWN if reader is None else reader(proto)


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")


# Keys are AttributeProto.AttributeType: FLOAT 1, INT 2, STRING 3, FLOATS 6, INTS 7, STRINGS 8.
_READERS: dict[int, Callable[[Any], FactValue]] = {
    1: lambda proto: float(proto.f),
    2: lambda proto: int(proto.i),
    3: lambda proto: _text(proto.s),
    6: lambda proto: tuple(proto.floats),
    7: lambda proto: tuple(proto.ints),
    8: lambda proto: tuple(_text(item) for item in proto.strings),
}
