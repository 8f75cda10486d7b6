"""Every text of a model is UTF-8: protobuf hands out bytes instead of text where one is not, and nobody expects that.

The messages of ONNX are in proto2, whose parsers do not look. The same messages in proto3 are parsed by the same native
parser, which then does: that costs less than a millisecond, where asking every field costs seconds.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

from safecheck.errors import InputError
from safecheck.intake.once import once
from safecheck.intake.onnx_library import messages
from safecheck.text import printable

_STRICT = "safecheck.strict"


def check_text(proto: Any, data: bytes, where: str) -> None:
    """Refuse a model, given as a message and as the bytes that it was parsed from, if one of its texts is not UTF-8.

    Raises:
        InputError: SC-PB-UTF8, naming the field.
    """
    try:
        _strict_model()().ParseFromString(data)
    except Exception:  # DecodeError; the class lives in a package imported by the messages only
        field, text = next(_broken(proto, ""), ("a text", b""))
        what = f"{field} is not UTF-8: {printable(text, 80)}"
        raise InputError("SC-PB-UTF8", where, what, "rename or remove it, or export the model again") from None


@cache
def _strict_model() -> Any:
    """ModelProto with the same fields, whose texts must be UTF-8."""
    from google.protobuf import descriptor_pool, message_factory

    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(once("texts", __file__, _strict_file) or _strict_file())
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{_STRICT}.ModelProto"))


def _strict_file() -> bytes:
    from google.protobuf import descriptor_pb2

    file = descriptor_pb2.FileDescriptorProto()
    original = messages().ModelProto.DESCRIPTOR.file
    original.CopyToProto(file)
    file.name, file.package, file.syntax = f"{_STRICT}.proto", _STRICT, "proto3"
    pending = list(file.message_type)
    while pending:
        message = pending.pop()
        pending += message.nested_type
        for field in message.field:
            field.ClearField("default_value")
            if field.type_name:
                field.type_name = f".{_STRICT}{field.type_name.removeprefix(f'.{original.package}')}"
    content: bytes = file.SerializeToString()
    return content


def _broken(message: Any, path: str) -> Iterator[tuple[str, bytes]]:
    """Path and content of every text that is not UTF-8; only asked when there is one."""
    for field, value in message.ListFields():
        name = f"{path}.{field.name}" if path else field.name
        is_list = not isinstance(value, str | bytes) and hasattr(value, "__len__")
        for index, part in enumerate(value if is_list else [value]):
            place = f"{name}[{index}]" if is_list else name
            if field.type == field.TYPE_MESSAGE:
                yield from _broken(part, place)
            elif field.type == field.TYPE_STRING and isinstance(part, bytes):
                yield place, part
