"""Follow external data to its files without leaving the model's folder, and hash them.

The paths come from the model and are hostile until proven plain. Weights are streamed, never decoded. Only tensors
of few bytes, which may hold the shapes, axes and scales that steer other nodes, are put into the model.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Iterable
from io import FileIO
from typing import Any, NoReturn

from safecheck.errors import InputError
from safecheck.intake.extent import note_file
from safecheck.intake.onnx_library import messages
from safecheck.intake.sniff import SAMPLE_BYTES, is_lfs_pointer
from safecheck.intake.source import kind_of, lfs_pointer
from safecheck.intake.tensors import byte_size
from safecheck.intake.wire import kept_bytes, marker_index
from safecheck.limits import limit_bytes, way_out
from safecheck.text import printable
from safecheck.values import dataclass

_CHUNK = 4 << 20

_KEYS = frozenset({"location", "offset", "length", "checksum"})
_DECIMAL = re.compile(r"[0-9]{1,19}", re.ASCII)
_SHA1 = re.compile(r"[0-9a-fA-F]{40}", re.ASCII)
_WITHOUT_FOLDER = {
    "standard input": "give the path of the model file instead of -",
    "memory": "give the path of the model file, or a model with its weights inside",
}
# ONNX Runtime takes these for addresses in its own memory (onnxruntime issues 28709 and 29011)
_MEMORY_MARKERS = ("_ORT_MEM_ADDR_", "_ORT_NATIVE_ENDIAN_MEM_ADDR_")
# Separators and expansions of other systems and of URLs; ONNX asks for a plain POSIX path.
_FORBIDDEN_CHARACTERS = frozenset('\\:%$*?"<>|')


@dataclass(frozen=True, slots=True)
class ExternalFile:
    """One file of weights."""

    path: str
    """As the model writes it: relative to the model's folder, `/` between the parts."""
    sha256: str
    """Of the whole file, hexadecimal."""
    size_bytes: int
    """Of the whole file."""


@dataclass(frozen=True, slots=True)
class _Reference:
    """What one tensor says about its data."""

    where: str
    location: str
    offset: int
    length: int
    """Bytes that must be there; 0 where neither the model nor the data type says."""
    checksum: str | None
    """SHA-1 of the file, lower case."""
    tensor: Any
    """The TensorProto."""


def resolve(
    tensors: Iterable[Any],
    folder: str | None,
    nonce: str,
    model_id: tuple[int, int] | None = None,
    origin: str = "standard input",
) -> tuple[ExternalFile, ...]:
    """Check and hash the files that the tensors with external data name, sorted by path; small tensors become inline.

    Tensors marked by `wire.strip` under `nonce` are inline ones. `model_id` is the model's `Source.file_id`, `origin`
    says where a model without a folder comes from.

    Raises:
        InputError: SC-EXT-*, SC-AMB-TENSOR, SC-IO-LFS, SC-IO-CHANGED or SC-LIM-EXT, or what `byte_size` raises.
    """
    external = messages().TensorProto.EXTERNAL
    by_location: dict[str, list[_Reference]] = {}
    for tensor in tensors:
        if tensor.data_location == external and marker_index(tensor, nonce) is None:
            reference = _reference(tensor)
            by_location.setdefault(reference.location, []).append(reference)
    if not by_location:
        return ()
    if folder is None:
        where = next(iter(by_location.values()))[0].where
        what = f"the model comes from {origin}, which has no folder for external data"
        raise InputError("SC-EXT-MISSING", where, what, _WITHOUT_FOLDER[origin])
    files = []
    left = limit_bytes("external")
    for location in sorted(by_location):
        file = _File(by_location[location], folder, model_id).read(left)
        left -= file.size_bytes
        files.append(file)
    return tuple(files)


def sha256_at(folder: str, location: str, model_id: tuple[int, int]) -> str:
    """Hash one weight file with the checks of `resolve`, for a location that a model gave before.

    Raises:
        InputError: as `resolve`.
    """
    where = "external data"
    if (fault := path_fault(location)) is not None:
        _refuse("SC-EXT-PATH", where, f'the location "{printable(location)}" {fault}')
    return _File([_Reference(where, location, 0, 0, None, None)], folder, model_id).read(limit_bytes("external")).sha256


def _reference(tensor: Any) -> _Reference:
    """Read the external_data entries of one tensor; the file is not touched."""
    where = f'external data of tensor "{printable(tensor.name, 100)}"'
    entries: dict[str, str] = {}
    for entry in tensor.external_data:
        key, value = entry.key, entry.value
        if not isinstance(key, str) or not isinstance(value, str):  # protobuf hands out bytes then
            _refuse("SC-PB-UTF8", where, "a key or value is not UTF-8")
        if key not in _KEYS:
            _refuse("SC-EXT-KEY", where, f'unknown key "{printable(key, 60)}"')
        if key in entries:
            _refuse("SC-EXT-KEY", where, f"{key} is given twice")
        entries[key] = value
    if "location" not in entries:
        _refuse("SC-EXT-KEY", where, "there is no location")
    location = entries["location"]
    fault = path_fault(location)
    if any(marker in location for marker in _MEMORY_MARKERS):
        _refuse("SC-EXT-MARKER", where, "the location is a memory address marker of ONNX Runtime")
    if fault is not None:
        _refuse("SC-EXT-PATH", where, f'the location "{printable(location)}" {fault}')
    checksum = entries.get("checksum")
    if checksum is not None and not _SHA1.fullmatch(checksum):
        _refuse("SC-EXT-CHECKSUM", where, "the checksum is not a hexadecimal SHA-1")
    needed = byte_size(where, tensor)
    length = _decimal(where, "length", entries.get("length"))
    if needed is not None and length is not None and length != needed:
        _refuse("SC-EXT-RANGE", where, f"length is {length}, type and dimensions need {needed} bytes")
    offset = _decimal(where, "offset", entries.get("offset")) or 0
    return _Reference(where, location, offset, length or needed or 0, checksum.lower() if checksum else None, tensor)


def _decimal(where: str, key: str, text: str | None) -> int | None:
    if text is None:
        return None
    if not _DECIMAL.fullmatch(text):
        _refuse("SC-EXT-RANGE", where, f'{key} "{printable(text, 40)}" is not a number of at most 19 decimal digits')
    return int(text)


def path_fault(location: str) -> str | None:
    """Why the location is not a plain relative path on every system; None if it is one."""
    if not location or location.startswith("/"):
        return "is not a relative path"
    if not location.isprintable() or _FORBIDDEN_CHARACTERS.intersection(location):
        return "has a character that no plain relative path has"
    for part in location.split("/"):
        if part == "..":
            return "leaves its folder"
        if not part or part != part.strip(" ") or part.endswith("."):
            return 'has a part that is empty, "." or has a space or dot at its edge'
        if part.startswith("~"):
            return "begins a part with ~"
        if len(part.encode()) > 255:
            return "has a part of more than 255 bytes"
    return None


class _File:
    """One weight file and the tensors in it."""

    def __init__(self, references: list[_Reference], folder: str, model_id: tuple[int, int] | None) -> None:
        self.references = references
        self.location = references[0].location
        self.where = f'{references[0].where}, file "{printable(self.location)}"'
        self.folder = folder
        self.model_id = model_id

    def read(self, limit: int) -> ExternalFile:
        """Open, check and hash the file."""
        try:
            with self.open() as file:
                before = os.fstat(file.fileno())
                if before.st_size > limit:
                    what = f"more than {limit_bytes('external')} bytes of external data"
                    _refuse("SC-LIM-EXT", self.where, what, way_out("external", "audit a smaller model"))
                self.check_ranges(file, before.st_size)
                sha256, sha1 = self.digests(file, before.st_size)
                self.inline_small(file)
                after = os.fstat(file.fileno())
        except OSError as error:
            what = f"it cannot be read: {printable(str(error.strerror))}"
            raise InputError("SC-IO-READ", self.where, what, "check its permissions") from None
        if (before.st_size, before.st_mtime_ns, before.st_ino) != (after.st_size, after.st_mtime_ns, after.st_ino):
            self.changed()
        for reference in self.references:
            if reference.checksum is not None and reference.checksum != sha1:
                what = f"the SHA-1 of the file is {sha1}, the model says {reference.checksum}"
                _refuse("SC-EXT-CHECKSUM", self.where, what, "fetch the weight file that belongs to the model")
        return ExternalFile(self.location, sha256, before.st_size)

    def open(self) -> FileIO:
        """Walk down part by part from a descriptor of the folder, so that no link can be slipped in on the way."""
        *folders, name = self.location.split("/")
        folder = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            for part in folders:
                self.look(part, folder, "directory")
                inner = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
                os.close(folder)
                folder = inner
            # asked before opening: to open a device can already act on it
            seen = self.look(name, folder, "regular file")
            flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
            file = FileIO(os.open(name, flags, dir_fd=folder))
        finally:
            os.close(folder)
        opened = os.fstat(file.fileno())
        if (opened.st_dev, opened.st_ino) != (seen.st_dev, seen.st_ino):
            file.close()
            self.changed()
        return file

    def look(self, name: str, folder: int, wanted: str) -> os.stat_result:
        """Refuse what is not a plain directory or file with a single name."""
        try:
            seen = os.stat(name, dir_fd=folder, follow_symlinks=False)
        except (FileNotFoundError, NotADirectoryError):
            todo = "put the weight file next to the model"
            raise InputError("SC-EXT-MISSING", self.where, "there is no such file", todo) from None
        if stat.S_ISLNK(seen.st_mode):
            _refuse("SC-EXT-LINK", self.where, f'"{printable(name)}" is a symbolic link', "use a copy of the file")
        if not (stat.S_ISDIR if wanted == "directory" else stat.S_ISREG)(seen.st_mode):
            kind = "a regular file" if stat.S_ISREG(seen.st_mode) else kind_of(seen.st_mode)
            _refuse("SC-EXT-NOTREGULAR", self.where, f'"{printable(name)}" is {kind}, not a {wanted}')
        if wanted == "regular file":
            if (seen.st_dev, seen.st_ino) == self.model_id:
                _refuse("SC-EXT-SELF", self.where, "the location is the model file itself")
            if seen.st_nlink != 1:
                what = f"the file has {seen.st_nlink} names (hard links), so it may belong elsewhere"
                _refuse("SC-EXT-LINK", self.where, what, "use a copy of the file")
        return seen

    def check_ranges(self, file: FileIO, size: int) -> None:
        """Every tensor must lie inside the file."""
        if size < 1 << 20 and is_lfs_pointer(os.pread(file.fileno(), SAMPLE_BYTES, 0)):
            raise lfs_pointer(self.where, os.path.join(self.folder, self.location))
        for reference in self.references:
            if reference.offset + reference.length > size:
                what = f"bytes {reference.offset} to {reference.offset + reference.length} of a file of {size} bytes"
                where = f'{reference.where}, file "{printable(self.location)}"'
                _refuse("SC-EXT-RANGE", where, what, "fetch the weight file that belongs to the model")

    def digests(self, file: FileIO, size: int) -> tuple[str, str]:
        """SHA-256 and, where a tensor gives a checksum, SHA-1 of exactly `size` bytes."""
        sha256 = hashlib.sha256()
        wanted = any(reference.checksum is not None for reference in self.references)
        sha1 = hashlib.sha1(usedforsecurity=False) if wanted else None
        view = memoryview(bytearray(min(_CHUNK, size)))
        left = size
        while left:
            count = file.readinto(view[:left])
            if not count:
                self.changed()
            sha256.update(view[:count])
            if sha1 is not None:
                sha1.update(view[:count])
            left -= count
        return sha256.hexdigest(), sha1.hexdigest() if sha1 is not None else ""

    def inline_small(self, file: FileIO) -> None:
        """Give small tensors their bytes, as if the model had been saved with them inside."""
        for reference in self.references:
            if 0 < reference.length <= kept_bytes(reference.tensor):
                data = os.pread(file.fileno(), reference.length, reference.offset)
                if len(data) != reference.length:
                    self.changed()
                reference.tensor.raw_data = data
                reference.tensor.ClearField("data_location")
                del reference.tensor.external_data[:]
            elif reference.length:
                note_file(reference.tensor, file, reference.offset, reference.length)

    def changed(self) -> NoReturn:
        """Somebody writes to the file."""
        what = "the file changed while it was read"
        raise InputError("SC-IO-CHANGED", self.where, what, "run again when nothing writes to it")


def _refuse(
    code: str, where: str, what: str, todo: str = "save the model again with onnx.save(..., save_as_external_data=True)"
) -> NoReturn:
    raise InputError(code, where, what, todo)
