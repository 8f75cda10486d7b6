"""The results of a run as they come, one line each in a file: what is shown at its end is read from there.

So a run over ten thousand models holds none of them in memory, and one that is interrupted has lost nothing.

    {"schema": "safecheck/journal/1"}
    key record                          the key of a kept verdict, `-` where it has none, and what is kept of it

A line is written in one piece when its result is there, in any order. The last one may be cut off.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from typing import IO, Any, NoReturn, Self

from safecheck.errors import UsageError
from safecheck.intake.repository import is_tracked, root_of
from safecheck.text import printable

HEAD = b'{"schema": "safecheck/journal/1"}\n'
_IN_MEMORY = 16 << 20
"""Bytes of results that a run without a named journal holds before it writes them to a file without a name."""
_NO_KEY = "-"
_PIECE = 1 << 16
"""Bytes that are looked at together when a journal is read again."""
_MOST = 128 << 20
"""Bytes of a record that is taken from an earlier run; a model with a longer one is audited again."""

_Place = tuple[int, int]
"""Offset and length of a record."""


class Journal:
    """Records of a run by the number of their task.

    Use it in a `with` statement: a named one with results stays if that is left by an exception, else it is removed.
    `path` is None for a run whose results need not outlive it. With `resume`, the records of an earlier run are found
    by their keys; without, a journal in that place is begun anew. Nothing but a journal is ever overwritten.

    Raises:
        UsageError: the file cannot be written, is no journal, another run writes to it, or it is under version
            control: then anybody who can commit could have written its verdicts.
    """

    def __init__(self, path: str | None, resume: bool = False) -> None:
        self.path = path
        self._places: dict[int, _Place] = {}
        self._known: dict[str, _Place] = {}
        if path is None:
            self._file: IO[bytes] = tempfile.SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115 - closed with this
            return
        try:
            self._file = _opened(path)
            if resume:
                self._read(path)
            else:
                self._file.truncate(0)
            if not self._file.seek(0, os.SEEK_END):
                self._write(HEAD)
        except OSError as error:
            what = "another run writes to it" if error.errno in (errno.EAGAIN, errno.EACCES) else str(error.strerror)
            _refuse(path, what, "name another output")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if self.path is not None and (kind is None or not (self._places or self._known)):
            os.unlink(self.path)
        self._file.close()

    def __contains__(self, number: int) -> bool:
        return number in self._places

    def __len__(self) -> int:
        """How many tasks have a result."""
        return len(self._places)

    def __getitem__(self, number: int) -> dict[str, Any]:
        """What is kept of the result of a task."""
        found: dict[str, Any] = json.loads(self._at(self._places[number]))
        return found

    def get(self, key: str) -> dict[str, Any] | None:
        """What an earlier run has kept under a key; None, too, where a power cut has left something else there."""
        place = self._known.get(key)
        try:
            found = None if place is None else json.loads(self._at(place))
        except (ValueError, RecursionError):
            return None
        return found if isinstance(found, dict) else None

    def put(self, number: int, key: str | None, record: bytes) -> None:
        """Write down the result of a task; what is there already, byte for byte, is not written again.

        A key alone does not say that: it is of the model's own file, a record rests on its weights and rules as well.

        Raises:
            OSError: there is no room.
        """
        place = self._known.get(key) if key is not None else None
        if place is None or self._at(place) != record:
            name = (key or _NO_KEY).encode()
            place = (self._write(name + b" " + record + b"\n") + len(name) + 1, len(record))
            if key is not None:
                self._known[key] = place
        self._places[number] = place

    def _write(self, line: bytes) -> int:
        """Append a line and give its offset."""
        start = self._file.seek(0, os.SEEK_END)
        rest = memoryview(line)
        while rest:
            rest = rest[self._file.write(rest) :]
        return start

    def _at(self, place: _Place) -> bytes:
        self._file.seek(place[0])
        return self._file.read(place[1])

    def _read(self, path: str) -> None:
        """Learn what is there, up to the line that an interrupted run did not write to its end."""
        root = root_of(os.path.dirname(path))
        if root is not None and is_tracked(root, path):
            _refuse(path, "this is under version control, so it proves nothing", "remove it from the repository")
        end = 0
        with open(self._file.fileno(), "rb", closefd=False) as file:
            file.seek(0)
            for start, length, whole in _lines(file):
                if not whole:
                    break
                key, separator, _ = start.partition(b" ")
                size = length - len(key) - len(b" \n")
                if end and separator and size <= _MOST:
                    self._known[key.decode("ascii", "replace")] = (end + len(key) + 1, size)
                end += length
        self._known.pop(_NO_KEY, None)
        self._file.truncate(end)


def _lines(file: IO[bytes]) -> Iterator[tuple[bytes, int, bool]]:
    """How each line begins, how long it is, and whether it has an end; none is held, whatever its length."""
    while start := file.readline(_PIECE):
        length, piece = len(start), start
        while piece and not piece.endswith(b"\n"):
            piece = file.readline(_PIECE)
            length += len(piece)
        yield start, length, piece.endswith(b"\n")


def _opened(path: str) -> IO[bytes]:
    """The file, unbuffered and locked, empty or beginning as a journal does."""
    while True:
        file = _locked(path)
        with suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(file.fileno()), os.stat(path, follow_symlinks=False)):
                return file
        file.close()  # the run that had it ended, and removed it, between opening and locking


def _locked(path: str) -> IO[bytes]:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o666)
    file = os.fdopen(descriptor, "r+b", buffering=0)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            _refuse(path, "this is not a regular file", "name another output")
        # Not flock: the processes of a run that was killed would hold its lock for as long as they live.
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        head = file.read(len(HEAD)) or b""
        if not HEAD.startswith(head):
            _refuse(path, "this is not what an interrupted run has left", "move it away, or name another output")
    except BaseException:
        file.close()
        raise
    return file


def _refuse(path: str, what: str, todo: str) -> NoReturn:
    raise UsageError("SC-OUT-JOURNAL", printable(path), what, todo)
