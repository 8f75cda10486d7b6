"""Call a function of this package in a process of its own, within limits, as if it were called here.

What it returns and raises comes back, and on the way how far it is. A native crash, a hang or a hunger for memory ends
that process and not this one.
"""

from __future__ import annotations

import ctypes
import os
import pickle
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from typing import IO, Any

from safecheck.limits import raised, set_limits
from safecheck.machine.child import command, end_with_parent
from safecheck.machine.process import Limits, Run, run
from safecheck.machine.single_run import let_end

PROGRAM = command(__name__)
_LENGTH = 8
_M_MMAP_THRESHOLD = -3
"""From glibc's <malloc.h>: blocks of this size are given back to the system as soon as they are freed."""
_LARGE = 4 << 20
"""Left to itself, glibc raises that to the size of the weights, and keeps the room of all that come and go."""


class LostCall(Exception):  # noqa: N818 - not an error: an answer of this room
    """A call that gave no answer; `run` says how its process ended."""

    def __init__(self, ended: Run) -> None:
        super().__init__(ended.failure or "it gave no answer")
        self.run = ended


class _Messages:
    """What such a process writes: messages, each behind its length; the last one is the answer."""

    def __init__(self, tell: Callable[..., object] | None) -> None:
        self._tell = tell
        self._read = bytearray()

    def write(self, data: bytes) -> None:
        self._read += data
        while self._tell is not None and len(self._read) > (end := self._end()):
            self._tell(*pickle.loads(self._read[_LENGTH:end]))
            del self._read[:end]

    def _end(self) -> int:
        return _LENGTH + int.from_bytes(self._read[:_LENGTH], "little")

    @property
    def answer(self) -> memoryview:
        return memoryview(self._read)[_LENGTH:]


def call(
    function: str, *arguments: Any, limits: Limits, program: tuple[str, ...] = PROGRAM,
    tell: Callable[..., object] | None = None, frugal: bool = True,
) -> Any:  # fmt: skip
    """The result of a function of this package, `module:name`, which need not be imported here.

    With `tell` it gets a function as its last argument; what it tells that one is told to `tell` while it works. A
    `frugal` process gives freed memory back at once, which costs time: one that measures time is none.

    Raises:
        LostCall: it was stopped, or crashed.
        BuildError: no process can be started.
        Exception: what the function raises; where it was raised is told in a note.
    """
    output = _Messages(tell)
    asked = pickle.dumps((*function.split(":"), arguments, raised(), tell is not None, frugal))
    ended = run(program, output, limits, asked, errors=False)
    if ended.failure:
        raise LostCall(ended)
    returned, value = pickle.loads(output.answer)
    if not returned:
        raise value
    return value


def main(_: list[str]) -> None:
    """Answer on standard output, where nothing that a library prints can get in between."""
    end_with_parent()
    let_end()
    with os.fdopen(os.dup(1), "wb") as output:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        module, function, arguments, limits, is_told, frugal = pickle.load(sys.stdin.buffer)
        with suppress(OSError, AttributeError):  # another C library
            if frugal:
                ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, _LARGE)
        if is_told:
            arguments = (*arguments, lambda *news: _send(output, pickle.dumps(news)))
        _send(output, _answer(module, function, arguments, limits))
    os._exit(0)


def _send(output: IO[bytes], message: bytes) -> None:
    output.write(len(message).to_bytes(_LENGTH, "little"))
    output.write(message)
    output.flush()


def _answer(module: str, function: str, arguments: tuple[Any, ...], limits: dict[str, float]) -> bytes:
    set_limits(limits)
    try:
        return pickle.dumps((True, getattr(import_module(module), function)(*arguments)))
    except Exception as error:
        for frame in traceback.extract_tb(error.__traceback__)[1:]:
            error.add_note(f"{os.path.basename(frame.filename)}:{frame.lineno} {frame.name}")
        return _raised(error)


def _raised(error: Exception) -> bytes:
    try:
        content = pickle.dumps((False, error))
        pickle.loads(content)
    except Exception:  # of another library: it has a constructor of its own
        other = RuntimeError(f"{type(error).__name__}: {error}")
        for note in error.__notes__:
            other.add_note(note)
        return pickle.dumps((False, other))
    return content
