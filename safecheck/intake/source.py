"""Open a model file: refuse what is not one, map it once, and hash it while the caller reads it.

The mapping, the hash and the check at the end belong to one file descriptor, so what is judged is what is hashed.
"""

from __future__ import annotations

import hashlib
import mmap
import os
import shlex
import stat
import sys
import threading
from contextlib import suppress
from io import FileIO
from types import TracebackType
from typing import NoReturn, Self

from safecheck.errors import InputError
from safecheck.intake import sniff
from safecheck.text import printable

SIZE_LIMIT = (1 << 31) - 1
"""Protobuf's limit for one message, in bytes."""

_CHUNK = 4 << 20
_INLINE_LIMIT = 1 << 20


def open_model(where: str) -> Source:
    """Open a model by path, or standard input for `-`. Use the result in a `with` statement.

    Raises:
        InputError: SC-IO-MISSING, SC-IO-NOTREGULAR, SC-IO-SKIPPED, SC-IO-READ, SC-IO-EMPTY, SC-IO-LFS,
            SC-IO-NOTONNX or SC-LIM-SIZE.
    """
    return Source(where)


class Source:
    """A model file, mapped read-only."""

    size_bytes: int
    """Size of the file."""
    buffer: memoryview
    """The bytes of the file. Slices of it must be gone when the source is closed."""
    folder: str | None
    """Where external data would be: the folder the model file is in, or None for standard input."""
    file_id: tuple[int, int]
    """Device and inode, to recognise the model under another name."""

    def __init__(self, where: str) -> None:
        self._path = None if where == "-" else where
        self._where = "standard input" if where == "-" else printable(where)
        self.folder = None if self._path is None else os.path.dirname(self._path) or os.curdir
        self._file = self._spool() if self._path is None else self._open(self._path)
        self._digest = hashlib.sha256()
        self._failure: OSError | InputError | None = None
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        try:
            self._opened = os.fstat(self._file.fileno())
            self.file_id = (self._opened.st_dev, self._opened.st_ino)
            self.size_bytes = self._opened.st_size
            head = os.pread(self._file.fileno(), sniff.SAMPLE_BYTES, 0)
            check_head(head, self.size_bytes, self._where, self._path)
            self._map = mmap.mmap(self._file.fileno(), self.size_bytes, access=mmap.ACCESS_READ)
        except OSError as error:
            self._file.close()
            self._unreadable(error)
        except ValueError:  # mmap: the file got shorter since fstat
            self._file.close()
            raise self._changed() from None
        except BaseException:
            self._file.close()
            raise
        self.buffer = memoryview(self._map)
        if self.size_bytes < _INLINE_LIMIT:
            self._hash()
        else:
            self._thread = threading.Thread(target=self._hash, name="safecheck-sha256", daemon=True)
            self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._check_unchanged()
        finally:
            self.close()

    def sha256(self) -> str:
        """The hexadecimal SHA-256 of the file, once it is known that the file stayed the same.

        Raises:
            InputError: SC-IO-CHANGED or SC-IO-READ.
        """
        if self._thread is not None:
            self._thread.join()
        if isinstance(self._failure, OSError):
            self._unreadable(self._failure)
        if self._failure is not None:
            raise self._failure
        self._check_unchanged()
        return self._digest.hexdigest()

    def close(self) -> None:
        """Stop hashing and let go of the file. A second call does nothing."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
        self.buffer.release()
        # the traceback of a failed walk may still hold slices; the mapping then goes with them
        with suppress(BufferError):
            self._map.close()
        self._file.close()

    def _open(self, path: str) -> FileIO:
        try:
            # asked before opening: to open a device can already act on it
            mode = os.stat(path).st_mode
            if stat.S_ISDIR(mode):
                self._refuse_folder(path)
            self._require_regular(mode)
            descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
        except FileNotFoundError:
            from safecheck.intake.neighbours import similar  # a file that is there is opened without it

            what, todo = f"there is no such file{similar(path)}", "check the path, or export the model first"
            raise InputError("SC-IO-MISSING", self._where, what, todo) from None
        except (OSError, ValueError) as error:
            self._unreadable(error)
        file = FileIO(descriptor)
        try:
            self._require_regular(os.fstat(descriptor).st_mode)
        except InputError:
            file.close()
            raise
        return file

    def _spool(self) -> FileIO:
        """Copy standard input to a file without a name: a pipe can neither be mapped nor measured."""
        if sys.stdin is None:
            raise InputError("SC-IO-READ", self._where, "it is closed", "pipe a model into it, or give a path")
        import tempfile

        descriptor, name = tempfile.mkstemp(prefix="safecheck-")
        os.unlink(name)
        spool = FileIO(descriptor, "r+")
        size = 0
        try:
            while chunk := sys.stdin.buffer.read(_CHUNK):
                size += len(chunk)
                if size > SIZE_LIMIT:
                    raise too_large(self._where, f"more than {SIZE_LIMIT} bytes")
                rest = memoryview(chunk)
                while rest:
                    rest = rest[spool.write(rest) :]
        except OSError as error:
            spool.close()
            self._unreadable(error)
        except BaseException:
            spool.close()
            raise
        return spool

    def _hash(self) -> None:
        """Read through the descriptor, not the mapping: a file cut short meanwhile is an error then, not a SIGBUS."""
        chunk = bytearray(min(_CHUNK, self.size_bytes))
        view = memoryview(chunk)
        done = 0
        try:
            self._file.seek(0)
            while done < self.size_bytes and not self._stop.is_set():
                count = self._file.readinto(view[: self.size_bytes - done])
                if not count:
                    self._failure = self._changed()
                    return
                self._digest.update(view[:count])
                done += count
        except OSError as error:
            self._failure = error

    def _check_unchanged(self) -> None:
        """Compare the open file, and the file that now has its name, with what was opened."""
        try:
            now = os.fstat(self._file.fileno())
            named = now if self._path is None else os.stat(self._path)
        except OSError:
            raise self._changed() from None
        before = self._opened
        same_content = (now.st_size, now.st_mtime_ns) == (before.st_size, before.st_mtime_ns)
        if not same_content or (named.st_dev, named.st_ino) != self.file_id:
            raise self._changed()

    def _changed(self) -> InputError:
        todo = "run again when nothing writes to it"
        return InputError("SC-IO-CHANGED", self._where, "the file changed while it was read", todo)

    def _require_regular(self, mode: int) -> None:
        if not stat.S_ISREG(mode):
            what = f"this is {kind_of(mode)}, not a regular file"
            raise InputError("SC-IO-NOTREGULAR", self._where, what, "give the path of an .onnx file")

    def _refuse_folder(self, path: str) -> None:
        """Say what a search did with a folder that it found: a run that did not look everywhere passes nothing."""
        if os.path.islink(path):
            todo = "name the folder that it leads to, or exclude the link in the configuration"
            raise InputError("SC-IO-SKIPPED", self._where, "this link to a folder was not followed", todo)
        try:
            os.scandir(path).close()
        except OSError as error:
            what = f"this folder cannot be searched: {printable(str(error.strerror))}"
            todo = "make it readable, or exclude it in the configuration"
            raise InputError("SC-IO-SKIPPED", self._where, what, todo) from None

    def _unreadable(self, error: OSError | ValueError) -> NoReturn:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        todo = "check the path and its permissions"
        raise InputError("SC-IO-READ", self._where, f"it cannot be read: {printable(str(reason))}", todo) from None


def hashed(path: str) -> tuple[str, tuple[int, int]] | None:
    """SHA-256 of a regular file, with its device and inode; None where it cannot be read. Nothing is said about it."""
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):  # asked before opening: to open a device can already act on it
            return None
        with FileIO(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)) as file:
            seen = os.fstat(file.fileno())
            if not stat.S_ISREG(seen.st_mode):
                return None
            if seen.st_size < _INLINE_LIMIT:
                digest = hashlib.sha256(file.read())
            else:
                digest = hashlib.file_digest(file, "sha256")
    except (OSError, ValueError):
        return None
    return digest.hexdigest(), (seen.st_dev, seen.st_ino)


def check_head(head: bytes, size: int, where: str, path: str | None) -> None:
    """Refuse a model of so many bytes by its size and its first bytes; `path` is None for what is no file.

    Raises:
        InputError: SC-IO-EMPTY, SC-IO-LFS, SC-IO-NOTONNX or SC-LIM-SIZE.
    """
    if size == 0:
        todo = "export or download the model again; an empty file parses as an empty model"
        raise InputError("SC-IO-EMPTY", where, "the file is empty", todo)
    if size > SIZE_LIMIT:
        raise too_large(where, f"{size} bytes, more than {SIZE_LIMIT}")
    if sniff.is_lfs_pointer(head):
        raise lfs_pointer(where, path or "<path of the model>")
    foreign = sniff.foreign_type(head)
    if foreign is not None:
        todo = "give an .onnx file as torch.onnx.export or onnx.save writes it"
        raise InputError("SC-IO-NOTONNX", where, f"this is {foreign}, not an ONNX model", todo)


def too_large(where: str, what: str) -> InputError:
    """The error for a model that no reader of protobuf takes."""
    todo = "store the weights as external data; protobuf cannot hold more in one message"
    return InputError("SC-LIM-SIZE", where, what, todo)


def lfs_pointer(where: str, path: str) -> InputError:
    """The error for a Git LFS pointer at `path`, with the command that fetches the file."""
    todo = f"run: git lfs pull --include={shlex.quote(printable(path, 1000))}"
    return InputError("SC-IO-LFS", where, "this is a Git LFS pointer, the file itself was not fetched", todo)


def kind_of(mode: int) -> str:
    """What an inode that is not a regular file is, with its article."""
    for test, name in (
        (stat.S_ISDIR, "a directory"),
        (stat.S_ISFIFO, "a FIFO"),
        (stat.S_ISSOCK, "a socket"),
        (stat.S_ISCHR, "a character device"),
        (stat.S_ISBLK, "a block device"),
        (stat.S_ISLNK, "a symbolic link"),
    ):
        if test(mode):
            return name
    return "a special file"
