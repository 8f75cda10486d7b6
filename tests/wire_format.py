"""Protobuf's wire format by hand, also in spellings that no writer uses."""

from __future__ import annotations


def varint(value: int, pad: int = 0) -> bytes:
    """`pad` bytes more than needed."""
    groups = []
    while value >= 0x80:
        groups.append(value & 0x7F)
        value >>= 7
    groups += [value] + [0] * pad
    return bytes([group | 0x80 for group in groups[:-1]] + [groups[-1]])


def field(number: int, value: bytes | int, wire_type: int | None = None, pad: tuple[int, int] = (0, 0)) -> bytes:
    """A field; `pad` bytes more than needed in its tag and in its length or value."""
    if wire_type is None:
        wire_type = 0 if isinstance(value, int) else 2
    body = varint(value, pad[1]) if isinstance(value, int) else value
    if wire_type == 2:
        body = varint(len(body), pad[1]) + body
    return varint(number << 3 | wire_type, pad[0]) + body
