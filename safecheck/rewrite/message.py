"""A model with weights on the shelf as one protobuf message, without having it in memory.

The bytes are those that protobuf makes of the same model with its weights inline.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from typing import IO, Any, NamedTuple

from safecheck.intake.fields import LENGTH, Scan
from safecheck.intake.onnx_library import messages
from safecheck.rewrite.shelf import Shelf, file_of, on_shelf

_GRAPH, _INITIALIZER, _RAW_DATA = 7, 5, 9
"""Field numbers of ModelProto.graph, GraphProto.initializer and TensorProto.raw_data."""
_CHUNK = 1 << 20


class _Part(NamedTuple):
    """Some of the bytes: those that are given, or the content of a file."""

    size: int
    content: memoryview | bytes
    path: str = ""


def write_message(proto: Any, folder: str | None, file: IO[bytes]) -> None:
    """Write a ModelProto whose shelved tensors are in `folder`."""
    content = proto.SerializeToString(deterministic=True)
    if folder is None or not any(map(on_shelf, proto.graph.initializer)):
        file.write(content)
        return
    for part in _model(memoryview(content), folder):
        if part.path:
            copy_file(part.path, file)
        else:
            file.write(part.content)


def runnable(proto: Any, shelf: Shelf, name: str) -> bytes | str:
    """A ModelProto as onnxruntime takes it: its content, or if weights are on the shelf a file of this name there."""
    if shelf.folder is None:
        content: bytes = proto.SerializeToString()
        return content
    path = os.path.join(shelf.folder, name)
    with open(path, "wb") as file:
        write_message(proto, shelf.folder, file)
    return path


def copy_file(path: str, file: IO[bytes]) -> None:
    """Write the content of a file to another one."""
    with open(path, "rb") as source:
        shutil.copyfileobj(source, file, _CHUNK)


def _model(content: memoryview, folder: str) -> Iterator[_Part]:
    for number, value, field in _fields(content):
        yield from _nested(_GRAPH, list(_graph(value, folder))) if number == _GRAPH else [field]


def _graph(content: memoryview, folder: str) -> Iterator[_Part]:
    for number, value, field in _fields(content):
        tensor = messages().TensorProto.FromString(value) if number == _INITIALIZER else None
        if tensor is None or not on_shelf(tensor):
            yield field
            continue
        path = file_of(tensor, folder)
        tensor.ClearField("external_data")
        tensor.ClearField("data_location")
        tensor.raw_data = b""  # marks the place
        yield from _nested(_INITIALIZER, list(_tensor(memoryview(tensor.SerializeToString(deterministic=True)), path)))


def _tensor(content: memoryview, path: str) -> Iterator[_Part]:
    for number, _, field in _fields(content):
        yield from _nested(_RAW_DATA, [_Part(os.path.getsize(path), b"", path)]) if number == _RAW_DATA else [field]


def _fields(content: memoryview) -> Iterator[tuple[int, memoryview, _Part]]:
    for start, number, _, value, end in Scan(content, "").fields(0, len(content), ""):
        yield number, content[value:end], _Part(end - start, content[start:end])


def _nested(number: int, parts: list[_Part]) -> Iterator[_Part]:
    """A field whose value are these bytes."""
    left, prefix = sum(part.size for part in parts), bytearray((number << 3 | LENGTH,))
    while left >= 0x80:
        prefix.append(left & 0x7F | 0x80)
        left >>= 7
    prefix.append(left)
    yield _Part(len(prefix), bytes(prefix))
    yield from parts
