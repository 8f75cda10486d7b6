"""Large weights outside of memory while a model is rewritten: each in a file that is named after its content.

A tensor on the shelf is a TensorProto with external data, so its copies weigh nothing, proofs map its file, and equal
weights are one. What cannot be there (it is small, or of a type that numpy does not know) stays in its TensorProto.
"""

from __future__ import annotations

import hashlib
import os
from contextlib import ExitStack
from mmap import ACCESS_READ, mmap
from types import TracebackType
from typing import Any

from safecheck.errors import UsageError
from safecheck.intake.dtypes import BY_NUMBER
from safecheck.intake.onnx_library import messages
from safecheck.ir.protos import array_of, number_of_array, proto_from_array
from safecheck.machine.folder import working_folder
from safecheck.text import printable

LARGE = 256 << 10
"""Bytes from which on a weight is shelved: a file costs as much as copying so many a few times."""
WORTHWHILE = 64 << 20
"""Bytes of a model from which on any of it is: a smaller one fits in memory several times."""


class Shelf:
    """The weights of one model, in a folder in `parent` that is made when it is first needed and gone at the end."""

    def __init__(self, model_bytes: int = 0, parent: str | None = None) -> None:
        self._used = model_bytes >= WORTHWHILE
        self._parent = parent
        self._stack = ExitStack()
        self.folder: str | None = None
        """Where the files are; None as long as there are none."""

    def __enter__(self) -> Shelf:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def emptied(self, proto: Any) -> Any:
        """The same ModelProto with its large weights shelved. Once nobody has the old one, their memory is free.

        Raises:
            UsageError: SC-OUT-WRITE, there is no room for them.
        """
        if not self._used:
            return proto
        for tensor in proto.graph.initializer:
            if tensor.HasField("raw_data") and _plain(tensor.data_type):
                content = tensor.raw_data
                if len(content) >= LARGE:
                    self._shelve(tensor, content)
                    tensor.ClearField("raw_data")
        light = messages().ModelProto()
        light.CopyFrom(proto)
        return light

    def stored(self, name: str, array: Any) -> Any:
        """An initializer with the elements of an array, shelved if they are many.

        Raises:
            UsageError: SC-OUT-WRITE, there is no room for them.
        """
        if not self._used or array.nbytes < LARGE or not _plain(number := number_of_array(array)):
            return proto_from_array(name, array)
        tensor = messages().TensorProto(name=name, data_type=number, dims=array.shape)
        self._shelve(tensor, array.tobytes())
        return tensor

    def array(self, tensor: Any) -> Any:
        """The elements of an initializer, read-only; of a shelved one its file, mapped."""
        if not on_shelf(tensor) or self.folder is None:
            return array_of(tensor)
        import numpy

        with open(file_of(tensor, self.folder), "rb") as file:
            content = mmap(file.fileno(), 0, access=ACCESS_READ)
        return numpy.frombuffer(content, f"<{BY_NUMBER[tensor.data_type].code}").reshape(tuple(tensor.dims))

    def _shelve(self, tensor: Any, content: bytes) -> None:
        name = hashlib.sha256(content).hexdigest()
        try:
            if self.folder is None:
                self.folder = self._stack.enter_context(working_folder(self._parent))
            path = os.path.join(self.folder, name)
            if not os.path.exists(path):
                with open(path, "wb") as file:
                    file.write(content)
        except OSError as error:
            what = f"large weights cannot be put aside there: {error.strerror or error}"
            raise UsageError(
                "SC-OUT-WRITE", printable(self._parent or "temporary files"), what, "make room there"
            ) from error
        tensor.data_location = tensor.EXTERNAL
        tensor.external_data.add(key="location", value=name)
        tensor.external_data.add(key="length", value=str(len(content)))


def on_shelf(tensor: Any) -> bool:
    """Whether the elements of a TensorProto are in a file."""
    return bool(tensor.data_location == tensor.EXTERNAL)


def file_of(tensor: Any, folder: str) -> str:
    """The file that holds the elements of a shelved tensor, and nothing else."""
    return os.path.join(folder, tensor.external_data[0].value)


def _plain(data_type: int) -> bool:
    row = BY_NUMBER.get(data_type)
    return row is not None and bool(row.code)
