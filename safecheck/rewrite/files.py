"""Whole models in and out: with every weight, untouched inputs, and outputs that are complete or not there."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import shutil
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import Any

from safecheck.errors import InputError, UsageError
from safecheck.intake.locations import weight_files
from safecheck.intake.onnx_library import messages
from safecheck.intake.tensors import byte_size, tensors
from safecheck.ir.model import Model
from safecheck.machine.folder import working_folder
from safecheck.machine.outputs import refuse, refuse_clashes
from safecheck.rewrite.message import copy_file, write_message
from safecheck.rewrite.shelf import file_of, on_shelf
from safecheck.text import printable

SIZE_LIMIT = (1 << 31) - (1 << 20)
"""Bytes of a message that every reader of protobuf takes, with some room."""
_SURELY_INLINE = 512 << 20
"""Bytes of a model with its weights in it, which is not expected to grow beyond what one message can hold."""
_INLINE = 1024
"""Smaller tensors stay in the model file: shapes and axes are read by programs that do not open external data."""


def read_whole(model: Model) -> Any:
    """The ModelProto of an audited file, its external data inline.

    Raises:
        InputError: SC-IO-CHANGED, the file is no longer the one that was audited.
    """
    with ExitStack() as stack:
        data = model.content or stack.enter_context(_mapped(Path(model.path), model.sha256))
        proto = messages().ModelProto.FromString(data)
        folder = Path(model.path).parent
        contents = {
            file.path: stack.enter_context(_mapped(folder / file.path, file.sha256)) for file in model.external_data
        }
        external = messages().TensorProto.EXTERNAL
        for tensor in tensors(proto):
            if tensor.data_location == external:
                entries = {entry.key: entry.value for entry in tensor.external_data}
                start = int(entries.get("offset", 0))
                content = contents[entries["location"]]
                length = int(entries.get("length", 0)) or byte_size("", tensor) or len(content) - start
                tensor.raw_data = bytes(content[start : start + length])
                tensor.ClearField("external_data")
                tensor.ClearField("data_location")
    return proto


@contextmanager
def _mapped(path: Path, sha256: str) -> Iterator[memoryview]:
    """The content of a file that was audited, without reading it into memory."""
    with path.open("rb") as file:
        if not os.fstat(file.fileno()).st_size:
            yield memoryview(b"")
            return
        with mmap(file.fileno(), 0, access=ACCESS_READ) as mapped, memoryview(mapped) as content:
            if hashlib.sha256(content).hexdigest() != sha256:
                _changed(str(path))
            yield content


def _changed(path: str) -> None:
    todo = "run again when nothing writes to it"
    raise InputError("SC-IO-CHANGED", printable(path), "the file changed while it was read", todo)


def check_target(model: Model, target: str | None, inputs: Iterable[str] = ()) -> None:
    """Refuse to write over the model, its weights, what else is read, or weights of another model.

    What is written beside the target, `TARGET.data`, obeys the same.

    Raises:
        UsageError: SC-OUT-CLASH.
    """
    if target is None:
        return
    folder = os.path.dirname(model.path)
    read = [model.path, *(os.path.join(folder, file.path) for file in model.external_data)]
    refuse_clashes([target, data_of(target)], [*inputs, *([] if model.content is not None else read)])
    if model.external_data or model.size_bytes > _SURELY_INLINE:
        _refuse_foreign_data(target)


def data_of(target: str) -> str:
    """The file that holds the weights of a model which is written to `target`, if they are not in it."""
    return f"{target}.data"


def _refuse_foreign_data(target: str) -> None:
    """Refuse to replace weights that are not those of the very model that is replaced."""
    data = os.path.normpath(data_of(target))
    own = {data, *_interim(data)}
    if os.path.lexists(data) and not own & {os.path.normpath(path) for path in weight_files([target])}:
        what = f"there is such a file, and it does not belong to {printable(target)}"
        refuse(data, what, "write somewhere else, or move it away")


def _interim(data: str) -> list[str]:
    """Weights that stood in for those at `data` while both were exchanged, by this run or by one that was killed."""
    folder, name = os.path.split(data)
    pattern = re.compile(re.escape(name) + r"\.safecheck-[0-9a-f]{8}")
    return [os.path.join(folder, found) for found in os.listdir(folder or os.curdir) if pattern.fullmatch(found)]


def fits(proto: Any) -> bool:
    """Whether a model with all its weights is one message that every reader takes."""
    shelved = sum(byte_size("", tensor) or 0 for tensor in proto.graph.initializer if on_shelf(tensor))
    try:
        return shelved + int(proto.ByteSize()) <= SIZE_LIMIT
    except Exception:  # EncodeError: the library does not even count beyond 2 GiB
        return False


@contextmanager
def written(proto: Any, target: str | None, external: bool, shelved: str | None = None) -> Iterator[str]:
    """Write a model under a temporary name beside its target, and move it there if the block ends well.

    Without a target it is written to a temporary folder and gone afterwards. External data go into one file named after
    the target; weights on the shelf are in the folder `shelved`. Whenever the process is killed, there is the old model
    with its data, or the new one with its.

    Raises:
        UsageError: it cannot be written; an earlier file of that name is untouched.
    """
    final = target or "model.onnx"
    folder = None if target is None else os.path.dirname(os.path.abspath(target))
    try:
        with working_folder(folder) as place:
            path = os.path.join(place, os.path.basename(final))
            split = external or not fits(proto)
            if split and target is not None:
                _refuse_foreign_data(target)
            if split:
                _move_out(proto, data_of(path), shelved)
            _save(proto, path, None if split else shelved)
            interim = f"{os.path.basename(data_of(path))}.safecheck-{secrets.token_hex(4)}"
            if split:
                _name_data(proto, interim)
                _save(proto, os.path.join(place, interim), None)
            del proto  # whoever looks at the file need not have it in memory as well
            yield path
            if target is not None:
                _publish(path, os.path.abspath(target), interim if split else None)
    except OSError as error:
        what = f"it cannot be written: {error.strerror or error}"
        raise UsageError("SC-OUT-WRITE", printable(final), what, "write somewhere else") from error


def _move_out(proto: Any, path: str, shelved: str | None) -> None:
    """Put the weights into a file of their own, each at a multiple of 4096 so that it can be mapped."""
    external, name = messages().TensorProto.EXTERNAL, os.path.basename(path)
    with open(path, "wb") as file:
        for tensor in proto.graph.initializer:
            content, kept = tensor.raw_data, file_of(tensor, shelved) if shelved and on_shelf(tensor) else ""
            if not kept and len(content) < _INLINE:
                continue
            file.seek(start := -(-file.tell() // 4096) * 4096)
            if kept:
                copy_file(kept, file)
            else:
                file.write(content)
            entries = {"location": name, "offset": str(start), "length": str(file.tell() - start)}
            tensor.ClearField("raw_data")
            tensor.ClearField("external_data")
            tensor.data_location = external
            for key, value in entries.items():
                tensor.external_data.add(key=key, value=value)
        file.flush()
        os.fsync(file.fileno())


def _publish(made: str, target: str, interim: str | None) -> None:
    """Put a complete model in its place, and its weights, so that at no time one stands beside the other's.

    An old model of that name reads its weights by the same name as the new one. It is first replaced by one that reads
    the new weights under the name `interim`, which is that of this model as well; None for weights in the model.
    """
    data, folder = data_of(target), os.path.dirname(target)
    if interim is not None and os.path.lexists(data):
        # no hard link: readers of external data refuse files with two names
        shutil.copyfile(data_of(made), os.path.join(folder, interim))
        os.replace(os.path.join(os.path.dirname(made), interim), target)
        _settle(target)
    if interim is not None:
        os.replace(data_of(made), data)
        _settle(target)
    os.replace(made, target)
    _settle(target)
    if interim is not None:
        for name in _interim(data):
            os.unlink(name)


def _name_data(proto: Any, name: str) -> None:
    for tensor in proto.graph.initializer:
        for entry in tensor.external_data:
            if entry.key == "location":
                entry.value = name


def _save(proto: Any, path: str, shelved: str | None) -> None:
    with open(path, "wb") as file:
        write_message(proto, shelved, file)
        file.flush()
        os.fsync(file.fileno())


def _settle(path: str) -> None:
    """Let the names in the folder of a file reach the disk."""
    descriptor = os.open(os.path.dirname(path), os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
