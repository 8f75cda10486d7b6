"""No field that ONNX does not define, anywhere in a model: readers skip it, so content could hide there.

Asking every message costs seconds. A message that is as long without its unknown fields as with them has none, which
the library says in milliseconds.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from safecheck.errors import InputError


def check_known(proto: Any, data: bytes, where: str) -> None:
    """Refuse a model, parsed from `data`, in which some message has a field that ONNX does not define.

    Raises:
        InputError: SC-PB-UNKNOWN, naming the message, the number of the field and its size.
    """
    size = proto.ByteSize()
    proto.DiscardUnknownFields()
    extra = size - proto.ByteSize()
    if extra:
        proto.ParseFromString(data)
        path, number = next(_unknown(proto, ""), ("the model", 0))
        what = f"{path} has the unknown field {number}; {extra} bytes of the file are in unknown fields"
        todo = "export the model again; bytes outside the ONNX format may hide content"
        raise InputError("SC-PB-UNKNOWN", where, what, todo)


def _unknown(message: Any, path: str) -> Iterator[tuple[str, int]]:
    """Path and number of every unknown field; only asked when there is one."""
    from google.protobuf.unknown_fields import UnknownFieldSet

    for unknown in UnknownFieldSet(message):
        yield path or "the model", unknown.field_number
    for field, value in message.ListFields():
        if field.type == field.TYPE_MESSAGE:
            name = f"{path}.{field.name}" if path else field.name
            if field.is_repeated:
                for index, part in enumerate(value):
                    yield from _unknown(part, f"{name}[{index}]")
            else:
                yield from _unknown(value, name)
