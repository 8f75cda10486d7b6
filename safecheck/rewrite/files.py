"""Whole models in and out: with every weight, untouched inputs, and outputs that are complete or not there."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from safecheck.errors import InputError, UsageError
from safecheck.intake.onnx_library import messages
from safecheck.intake.tensors import byte_size, tensors
from safecheck.ir.model import Model
from safecheck.text import printable

SIZE_LIMIT = (1 << 31) - (1 << 20)
"""Bytes of a message that every reader of protobuf takes, with some room."""
_INLINE = 1024
"""Smaller tensors stay in the model file: shapes and axes are read by programs that do not open external data."""


def read_whole(model: Model) -> Any:
    """The ModelProto of an audited file, its external data inline.

    Raises:
        InputError: SC-IO-CHANGED, the file is no longer the one that was audited.
    """
    data = Path(model.path).read_bytes() if model.content is None else model.content
    if hashlib.sha256(data).hexdigest() != model.sha256:
        _changed(model.path)
    proto = messages().ModelProto.FromString(data)
    folder = Path(model.path).parent
    hashes = {file.path: file.sha256 for file in model.external_data}
    contents = {path: _external(folder / path, sha256) for path, sha256 in hashes.items()}
    external = messages().TensorProto.EXTERNAL
    for tensor in tensors(proto):
        if tensor.data_location == external:
            entries = {entry.key: entry.value for entry in tensor.external_data}
            start = int(entries.get("offset", 0))
            content = contents[entries["location"]]
            length = int(entries.get("length", 0)) or byte_size("", tensor) or len(content) - start
            tensor.raw_data = content[start : start + length]
            tensor.ClearField("external_data")
            tensor.ClearField("data_location")
    return proto


def _external(path: Path, sha256: str) -> bytes:
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != sha256:
        _changed(str(path))
    return content


def _changed(path: str) -> None:
    todo = "run again when nothing writes to it"
    raise InputError("SC-IO-CHANGED", printable(path), "the file changed while it was read", todo)


def refuse_inputs(model: Model, target: str | None) -> None:
    """Refuse to write over the model or one of its weight files, also with what is written beside the target.

    Raises:
        UsageError: the target, or `TARGET.data`, is one of these files.
    """
    if target is None or model.content is not None:
        return
    folder = os.path.dirname(model.path)
    read = {
        os.path.realpath(path) for path in (model.path, *(os.path.join(folder, f.path) for f in model.external_data))
    }
    for written_to in (target, f"{target}.data"):
        if os.path.realpath(written_to) in read:
            raise UsageError("SC-OUT-CLASH", printable(written_to), "this is an input", "write somewhere else")


def fits(proto: Any) -> bool:
    """Whether a model with all its weights is one message that every reader takes."""
    try:
        return int(proto.ByteSize()) <= SIZE_LIMIT
    except Exception:  # EncodeError: the library does not even count beyond 2 GiB
        return False


@contextmanager
def written(proto: Any, target: str | None, external: bool) -> Iterator[str]:
    """Write a model under a temporary name beside its target, and move it there if the block ends well.

    Without a target it is written to a temporary folder and gone afterwards. External data go into one file named after
    the target.

    Raises:
        UsageError: it cannot be written; an earlier file of that name is untouched.
    """
    final = target or "model.onnx"
    folder = None if target is None else os.path.dirname(os.path.abspath(target))
    try:
        with tempfile.TemporaryDirectory(dir=folder, prefix=".safecheck-") as place:
            data_name = f"{os.path.basename(final)}.data"
            path = os.path.join(place, os.path.basename(final))
            split = external or not fits(proto)
            if split:
                _move_out(proto, os.path.join(place, data_name), data_name)
            with open(path, "wb") as file:
                file.write(proto.SerializeToString(deterministic=True))
                file.flush()
                os.fsync(file.fileno())
            yield path
            if target is not None and folder is not None:
                if split:
                    os.replace(os.path.join(place, data_name), os.path.join(folder, data_name))
                os.replace(path, target)
    except OSError as error:
        what = f"it cannot be written: {error.strerror or error}"
        raise UsageError("SC-OUT-WRITE", printable(final), what, "write somewhere else") from error


def _move_out(proto: Any, path: str, name: str) -> None:
    """Put the weights into a file of their own, each at a multiple of 4096 so that it can be mapped."""
    external = messages().TensorProto.EXTERNAL
    with open(path, "wb") as file:
        for tensor in proto.graph.initializer:
            if not tensor.HasField("raw_data") or len(tensor.raw_data) < _INLINE:
                continue
            file.seek(-(-file.tell() // 4096) * 4096)
            entries = {"location": name, "offset": str(file.tell()), "length": str(len(tensor.raw_data))}
            file.write(tensor.raw_data)
            tensor.ClearField("raw_data")
            tensor.data_location = external
            for key, value in entries.items():
                tensor.external_data.add(key=key, value=value)
