"""Split one protobuf message into its fields, without knowing what they mean.

Layout of the wire format: https://protobuf.dev/programming-guides/encoding/. Strict where parsers differ: groups and
the two unused wire types are refused, and numbers are as long as protobuf's own parser accepts them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NoReturn

from safecheck.errors import InputError
from safecheck.limits import limit, way_out

VARINT, FIXED64, LENGTH, FIXED32 = 0, 1, 2, 5
SHORT, LONG = 5, 10
"""Most bytes of a tag or length, and of any other varint; both may be longer than needed."""


class Scan:
    """One pass over a buffer; `where` names the model in errors (printable), and `path` the message in it."""

    def __init__(self, view: memoryview, where: str) -> None:
        self.view = view
        self.where = where
        self.budget = int(limit("fields"))

    def fields(self, start: int, end: int, path: str) -> Iterator[tuple[int, int, int, int, int]]:
        """(start of the field, number, wire type, start and end of the value) for the fields of one message."""
        view = self.view
        position = start
        for used in range(self.budget):
            if position >= end:
                self.budget -= used
                return
            field_start = position
            tag = view[position]
            position += 1
            if tag >= 0x80:
                tag, position = self.varint(field_start, end, SHORT, path)
            if tag < 8 or tag > 0xFFFF_FFFF:
                self.broken(path, field_start, f"field number {tag >> 3}")
            value_start = position
            wire_type = tag & 7
            if wire_type == LENGTH:
                # lengths of one and two bytes without a call: there are many
                if position + 1 < end and (second := view[position + 1]) < 0x80 <= (first := view[position]):
                    length, value_start = first & 0x7F | second << 7, position + 2
                elif position < end and (length := view[position]) < 0x80:
                    value_start = position + 1
                else:
                    length, value_start = self.varint(position, end, SHORT, path)
                position = value_start + length
            elif wire_type == VARINT:
                if position < end and view[position] < 0x80:
                    position += 1
                else:
                    position = self.varint(position, end, LONG, path)[1]
            elif wire_type == FIXED32:
                position += 4
            elif wire_type == FIXED64:
                position += 8
            else:
                self.broken(path, field_start, f"wire type {wire_type}, which ONNX does not use")
            if position > end:
                self.broken(path, field_start, f"a field that ends {position - end} bytes past its message")
            yield field_start, tag >> 3, wire_type, value_start, position
        todo = way_out("fields", "store tensor data as raw_data, split the model")
        self.refuse("SC-LIM-FIELDS", path, position, f"more than {limit('fields'):.0f} fields to look at", todo)

    def varint(self, position: int, end: int, longest: int, path: str) -> tuple[int, int]:
        """The value at `position` (modulo 2^64) and where it ends; more than `longest` bytes are refused."""
        value = shift = 0
        for byte in self.view[position : min(position + longest, end)]:
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value & 0xFFFF_FFFF_FFFF_FFFF, position + shift // 7
        at_end = position + longest > end
        self.broken(path, position, "a number past its message" if at_end else f"a number of over {longest} bytes")

    def broken(self, path: str, position: int, what: str) -> NoReturn:
        """The bytes are not protobuf, or not as ONNX uses it."""
        todo = "fetch or export the model again; it is damaged or not an ONNX file"
        self.refuse("SC-PB-WIRE", path, position, what, todo)

    def refuse(self, code: str, path: str, position: int, what: str, todo: str) -> NoReturn:
        """Stop, naming the place."""
        place = f"{path or 'model'} at byte {position}"
        raise InputError(code, f"{self.where}: {place}" if self.where else place, what, todo)


def varint_of(value: int) -> bytes:
    """The shortest encoding of a number that is not negative."""
    if value < 0x80:
        return bytes((value,))
    encoded = bytearray()
    while value >= 0x80:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)
