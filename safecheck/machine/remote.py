"""Call a function of this package in a process of its own, within limits, as if it were called here.

What it returns and raises comes back. A native crash, a hang or a hunger for memory ends that process and not this one.
"""

from __future__ import annotations

import ctypes
import io
import os
import pickle
import sys
import traceback
from contextlib import suppress
from importlib import import_module
from typing import Any

from safecheck.limits import raised, set_limits
from safecheck.machine.child import command, end_with_parent
from safecheck.machine.process import Limits, Run, run
from safecheck.machine.single_run import let_end

PROGRAM = command(__name__)
_M_MMAP_THRESHOLD = -3
"""From glibc's <malloc.h>: blocks of this size are given back to the system as soon as they are freed."""
_LARGE = 4 << 20
"""Left to itself, glibc raises that to the size of the weights, and keeps the room of all that come and go."""


class LostCall(Exception):  # noqa: N818 - not an error: an answer of this room
    """A call that gave no answer; `run` says how its process ended."""

    def __init__(self, ended: Run) -> None:
        super().__init__(ended.failure or "it gave no answer")
        self.run = ended


def call(function: str, *arguments: Any, limits: Limits, program: tuple[str, ...] = PROGRAM) -> Any:
    """The result of a function of this package, `module:name`, which need not be imported here.

    Raises:
        LostCall: it was stopped, or crashed.
        BuildError: no process can be started.
        Exception: what the function raises; where it was raised is told in a note.
    """
    output = io.BytesIO()
    asked = pickle.dumps((*function.split(":"), arguments, raised()))
    ended = run(program, output, limits, asked, errors=False)
    if ended.failure:
        raise LostCall(ended)
    returned, value = pickle.loads(output.getvalue())
    if not returned:
        raise value
    return value


def main(_: list[str]) -> None:
    """Answer on standard output, where nothing that a library prints can get in between."""
    end_with_parent()
    let_end()
    with suppress(OSError, AttributeError):  # another C library
        ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, _LARGE)
    with os.fdopen(os.dup(1), "wb") as output:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        answer = _answer(*pickle.load(sys.stdin.buffer))
        output.write(answer)
    os._exit(0)


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
