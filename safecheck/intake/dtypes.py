"""The element types of ONNX, a row for each: how it is called, how large it is and how a TensorProto holds it."""

from __future__ import annotations

from typing import NamedTuple


class ElementType(NamedTuple):
    """One value of TensorProto.DataType."""

    number: int
    name: str
    kind: str
    """`float`, `integer`, `bool`, `complex` or `string`."""
    bits: int | None
    """Of an element in raw or external data; None for strings."""
    field: str
    """The typed field of a TensorProto that holds elements outside of raw_data."""
    code: str = ""
    """Format character of the `struct` module; empty for types that it does not know."""
    elements: int = 1
    """So many elements are held in `entries` entries of the typed field."""
    entries: int = 1

    def size(self, count: int) -> int | None:
        """Bytes of so many elements as raw or external data, sub-byte types packed; None for strings."""
        return None if self.bits is None else (count * self.bits + 7) // 8


ELEMENT_TYPES = (
    ElementType(1, "FLOAT", "float", 32, "float_data", "f"),
    ElementType(2, "UINT8", "integer", 8, "int32_data", "B"),
    ElementType(3, "INT8", "integer", 8, "int32_data", "b"),
    ElementType(4, "UINT16", "integer", 16, "int32_data", "H"),
    ElementType(5, "INT16", "integer", 16, "int32_data", "h"),
    ElementType(6, "INT32", "integer", 32, "int32_data", "i"),
    ElementType(7, "INT64", "integer", 64, "int64_data", "q"),
    ElementType(8, "STRING", "string", None, "string_data"),
    ElementType(9, "BOOL", "bool", 8, "int32_data", "?"),
    ElementType(10, "FLOAT16", "float", 16, "int32_data", "e"),
    ElementType(11, "DOUBLE", "float", 64, "double_data", "d"),
    ElementType(12, "UINT32", "integer", 32, "uint64_data", "I"),
    ElementType(13, "UINT64", "integer", 64, "uint64_data", "Q"),
    ElementType(14, "COMPLEX64", "complex", 64, "float_data", entries=2),
    ElementType(15, "COMPLEX128", "complex", 128, "double_data", entries=2),
    ElementType(16, "BFLOAT16", "float", 16, "int32_data"),
    ElementType(17, "FLOAT8E4M3FN", "float", 8, "int32_data"),
    ElementType(18, "FLOAT8E4M3FNUZ", "float", 8, "int32_data"),
    ElementType(19, "FLOAT8E5M2", "float", 8, "int32_data"),
    ElementType(20, "FLOAT8E5M2FNUZ", "float", 8, "int32_data"),
    ElementType(21, "UINT4", "integer", 4, "int32_data", elements=2),
    ElementType(22, "INT4", "integer", 4, "int32_data", elements=2),
    ElementType(23, "FLOAT4E2M1", "float", 4, "int32_data", elements=2),
    ElementType(24, "FLOAT8E8M0", "float", 8, "int32_data"),
    ElementType(25, "UINT2", "integer", 2, "int32_data", elements=4),
    ElementType(26, "INT2", "integer", 2, "int32_data", elements=4),
    ElementType(27, "FLOAT6E2M3", "float", 6, "int32_data"),
    ElementType(28, "FLOAT6E3M2", "float", 6, "int32_data"),
)
BY_NUMBER = {row.number: row for row in ELEMENT_TYPES}
BY_NAME = {row.name: row for row in ELEMENT_TYPES}
_NAMES = {row.number: row.name for row in ELEMENT_TYPES}

FLOATS = frozenset({row.name for row in ELEMENT_TYPES if row.kind == "float" and (row.bits or 0) >= 16})
"""Types that networks compute in; narrower floats are formats to store numbers in, as integers are."""
IEEE_FLOATS = frozenset({row.name for row in ELEMENT_TYPES if row.kind == "float" and row.code})
"""The floats of IEEE 754, whose elements can be read and written without a library."""
INTEGERS = frozenset({row.name for row in ELEMENT_TYPES if row.kind in ("integer", "bool") and row.code})
"""Whole numbers of whole bytes, BOOL among them."""


def dtype_name(number: int) -> str | None:
    """`FLOAT` for 1; None for undefined or unknown numbers."""
    return _NAMES.get(number)


def dtype_number(name: str | None) -> int:
    """1 for `FLOAT`; 0 for None."""
    return 0 if name is None else BY_NAME[name].number
