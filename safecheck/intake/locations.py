"""Where a model says that its external data is, without looking there."""

from __future__ import annotations

import os
from collections.abc import Iterable

from safecheck.errors import InputError
from safecheck.intake.onnx_library import messages
from safecheck.intake.source import open_model
from safecheck.intake.tensors import tensors
from safecheck.intake.wire import marker_index, strip
from safecheck.text import printable


def weight_files(models: Iterable[str]) -> list[str]:
    """Paths of the files with weights of some models; a model that cannot be read has none."""
    found = []
    for path in models:
        if path == "-":
            continue
        try:
            with open_model(path) as source:
                found += [os.path.join(os.path.dirname(path), name) for name in scanned(source.buffer, printable(path))]
        except InputError:
            continue
    return found


def scanned(buffer: memoryview, where: str) -> list[str]:
    """The locations in a serialised model.

    Raises:
        InputError: it cannot be read as a model.
    """
    stripped = strip(buffer, where=where)
    proto = messages().ModelProto()
    try:
        proto.ParseFromString(stripped.data)
    except Exception as error:  # DecodeError; the class lives in a package imported by the messages only
        raise InputError("SC-PB-WIRE", where, "the file is cut off or damaged", "export or copy it again") from error
    return sorted(
        {
            entry.value
            for tensor in tensors(proto)
            if marker_index(tensor, stripped.nonce) is None
            for entry in tensor.external_data
            if entry.key == "location" and isinstance(entry.value, str)
        }
    )
