"""Between which numbers large constants of integers are: they are read for nothing else, but may be indices."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from io import FileIO
from math import prod
from typing import Any

from safecheck.errors import InputError
from safecheck.intake.onnx_library import messages
from safecheck.intake.tensors import RANK_LIMIT
from safecheck.intake.wire import Payload, Stripped

_KEY = f"safecheck.extent:{os.urandom(8).hex()}"
"""Of the entry in the metadata of a TensorProto: another one in every process, so that no file carries it."""
_CODES = {6: "i", 7: "q"}
"""INT32 and INT64, of which indices are, as `memoryview` calls them."""
_WITHOUT_NUMPY = 1 << 19
"""Bytes of raw data that are looked at faster than numpy is loaded."""
_CHUNK = 1 << 20
"""Bytes of a file that are read at a time, and so many more as there are columns."""
_MOST_TYPED = 16 << 20
"""Bytes of varints in one model that are decoded for this, which takes about a second; raw data are only looked at."""


class Extents:
    """Notes of the constants of one model what it reads of them; up to so many elements are `kept` and need no note."""

    def __init__(self, buffer: memoryview, stripped: Stripped, kept: int) -> None:
        self._buffer = buffer
        self._stripped = stripped
        self._kept = kept
        self._left = _MOST_TYPED

    def look(self, tensors: Iterable[Any], where: str) -> None:
        """Note the extents of checked tensors, of those of integers inside of the model that are too many.

        Raises:
            InputError: SC-LIM-FIELDS, there are too many elements that are not raw data.
        """
        for tensor in tensors:
            self._look_at(tensor, where)

    def _look_at(self, tensor: Any, where: str) -> None:
        if tensor.data_type not in _CODES or prod(tensor.dims) <= self._kept:
            return
        payload = self._stripped.payload_of(tensor)
        if payload is None and tensor.data_location == tensor.EXTERNAL:
            return
        if payload is None and tensor.HasField("raw_data"):
            _note_raw(tensor, memoryview(tensor.raw_data))
        elif payload is not None and payload.fields[0].elements is None:
            _note_raw(tensor, self._buffer[payload.raw : payload.raw + payload.fields[0].bytes])
        else:
            self._look_at_typed(tensor, payload, where)

    def _look_at_typed(self, tensor: Any, payload: Payload | None, where: str) -> None:
        self._left -= 0 if payload is None else payload.fields[0].bytes
        if self._left < 0:
            what = f"more than {_MOST_TYPED} bytes of integers that are not raw data, among which may be indices"
            raise InputError("SC-LIM-FIELDS", where, what, "store tensor data as raw_data")
        whole = tensor
        if payload is not None:
            whole = messages().TensorProto.FromString(self._buffer[slice(*payload.message)])
        _note(tensor, whole.int32_data or whole.int64_data)


def note_file(tensor: Any, file: FileIO, offset: int, length: int) -> None:
    """Note the extent of a tensor whose elements are in a file, if it is one of integers; nothing may be empty.

    A file that becomes shorter meanwhile is noted as far as it goes: who reads it compares its size.
    """
    if tensor.data_type not in _CODES:
        return
    step, ends = _CHUNK * _depth(tensor), _Ends(tensor)
    for at in range(0, length, step):
        part = os.pread(file.fileno(), min(step, length - at), offset + at)
        if len(part) < min(step, length - at):
            return
        ends.add(memoryview(part))
    ends.write()


class _Ends:
    """The smallest and the largest number in every column, from raw data that come in whole rows."""

    def __init__(self, tensor: Any) -> None:
        self._tensor = tensor
        self._found: list[tuple[int, int]] = []

    def add(self, content: memoryview) -> None:
        code, depth = _CODES[self._tensor.data_type], _depth(self._tensor)
        if len(content) <= _WITHOUT_NUMPY:
            elements = content.cast(code)  # type: ignore[call-overload]
            columns = [elements[first::depth] for first in range(depth)]
            self._merge([*map(min, columns)], [*map(max, columns)])
            return
        import numpy

        rows = numpy.frombuffer(content, f"<{code}").reshape(-1, depth)
        self._merge(rows.min(0).tolist(), rows.max(0).tolist())

    def _merge(self, low: list[int], high: list[int]) -> None:
        more = list(zip(low, high, strict=True))
        pairs = zip(self._found or more, more, strict=True)
        self._found = [(min(a, c), max(b, d)) for (a, b), (c, d) in pairs]

    def write(self) -> None:
        _write(self._tensor, [*(low for low, _ in self._found), *(high for _, high in self._found)])


def _note_raw(tensor: Any, content: memoryview) -> None:
    ends = _Ends(tensor)
    ends.add(content)
    ends.write()


def _note(tensor: Any, elements: Sequence[int]) -> None:
    columns = [elements[first :: _depth(tensor)] for first in range(_depth(tensor))]
    _write(tensor, [*map(min, columns), *map(max, columns)])


def _depth(tensor: Any) -> int:
    """Elements of the last dimension, each of which may be about another axis; 1 if they are more than axes can be."""
    return int(tensor.dims[-1]) if tensor.dims and 0 < tensor.dims[-1] <= RANK_LIMIT else 1


def _write(tensor: Any, ends: list[int]) -> None:
    tensor.metadata_props.add(key=_KEY, value=" ".join(map(str, ends)))


def extent_of(tensor: Any) -> tuple[int, ...]:
    """The smallest number of every column of the last dimension, then the largest ones; of a wide one those of all.

    Empty where nothing was noted: of constants that are read, and of other types.
    """
    for entry in tensor.metadata_props:
        if entry.key == _KEY:
            return tuple(map(int, entry.value.split()))
    return ()
