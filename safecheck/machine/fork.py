"""Carry out native code in a copy of this process, within limits of time and memory.

A copy has everything that is loaded here and costs some milliseconds, where a process of its own costs hundreds. What
hangs, crashes or takes all memory there ends the copy; the answer comes back, and an interrupt is felt at once.
"""

from __future__ import annotations

import os
import pickle
import resource
import select
import signal
import time
import warnings
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NoReturn, TypeVar

T = TypeVar("T")
_DONE, _RAISED, _MEMORY = b"d", b"r", b"m"
_CHUNK = 1 << 20
_WAITING = 10.0
"""So many times the processor time a copy may take by the clock: a busy machine is not to decide, a deadlock is."""
_NEARLY = 0.7
"""Of its memory: what was that full when it crashed did so for want of it."""
_copied = False


class StoppedError(Exception):
    """A copy that gave no answer."""

    def __init__(self, reason: str, *, timed_out: bool = False, filled: bool = False) -> None:
        super().__init__(reason)
        self.timed_out = timed_out
        self.filled = filled


def in_copy(work: Callable[[], T], seconds: float, memory: int) -> T:
    """What a function returns, carried out in a copy of this process; where there are none, right here.

    It may take so many `seconds` of processor time, and so many bytes of `memory` beside what this process has now.
    A copy is not copied: it has the same limits meanwhile, and ends where the time is up.

    Raises:
        StoppedError: it reached a limit, or crashed.
        Exception: what the function raises.
    """
    if not hasattr(os, "fork"):
        return work()
    if _copied:
        return _as_a_part(work, seconds, memory)
    reading, writing = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # threads of the caller: the copy takes none of their locks
        copy = os.fork()
    if not copy:
        os.close(reading)
        _carry_out(work, writing, seconds, memory)
    os.close(writing)
    answer, in_time = b"", False
    try:
        answer, in_time = _read(reading, time.monotonic() + seconds * _WAITING)
    finally:
        os.close(reading)
        if not in_time:
            os.kill(copy, signal.SIGKILL)  # not reaped yet, so the number is still its own
        _, status, used = os.wait4(copy, 0)
    code = os.waitstatus_to_exitcode(status)
    if not code and answer[:1] != _MEMORY:
        value = pickle.loads(memoryview(answer)[1:])
        if answer[:1] == _RAISED:
            raise value
        found: T = value
        return found
    full = used.ru_maxrss * 1024 - _resident() > _NEARLY * memory
    if answer[:1] == _MEMORY or (full and code != -signal.SIGPROF):
        raise StoppedError(f"it takes more than {memory / 2**30:g} GiB of memory", filled=True)
    if not in_time or code == -signal.SIGPROF:
        raise StoppedError(f"it takes more than {seconds:g} s of processor time", timed_out=True)
    if code == -signal.SIGVTALRM:
        raise StoppedError("a part of it takes more processor time than it may", timed_out=True)
    raise StoppedError(f"it crashed ({_name(-code) if code < 0 else f'code {code}'})")


def _as_a_part(work: Callable[[], T], seconds: float, memory: int) -> T:
    """What a function returns, in the copy that this process is.

    Raises:
        StoppedError: it reached the limit of memory.
        Exception: what the function raises.
    """
    before = resource.getrlimit(resource.RLIMIT_AS)
    _lower_memory(memory)
    rest = signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        return work()
    except MemoryError:
        raise StoppedError(f"it takes more than {memory / 2**30:g} GiB of memory", filled=True) from None
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, *rest)
        resource.setrlimit(resource.RLIMIT_AS, before)


def _lower_memory(memory: int) -> None:
    """No more than so many bytes of address space beside those of now; a limit that is lower stays."""
    now, hard = resource.getrlimit(resource.RLIMIT_AS)
    mapped = _mapped()
    if mapped and (now == resource.RLIM_INFINITY or mapped + memory < now):
        resource.setrlimit(resource.RLIMIT_AS, (mapped + memory, hard))


def _carry_out(work: Callable[[], Any], pipe: int, seconds: float, memory: int) -> NoReturn:
    """Answer, and end without anything that an ending process does: its files and threads are those of another."""
    code = 1
    try:
        global _copied
        _copied = True
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGPROF, signal.SIGVTALRM):
            signal.signal(number, signal.SIG_DFL)
        silence = os.open(os.devnull, os.O_WRONLY)
        for stream in (1, 2):  # what a library prints before it aborts is no output of ours
            os.dup2(silence, stream)
        signal.setitimer(signal.ITIMER_PROF, seconds)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        _lower_memory(memory)
        try:
            answer = _DONE + pickle.dumps(work())
        except MemoryError:
            answer = _MEMORY
        except Exception as error:
            answer = _RAISED + pickle.dumps(error)
        left = memoryview(answer)
        while left:
            left = left[os.write(pipe, left) :]
        code = 0
    finally:
        os._exit(code)


def _read(pipe: int, deadline: float) -> tuple[bytes, bool]:
    """Everything that is written before the deadline, and whether that was all."""
    pieces: list[bytes] = []
    while select.select([pipe], [], [], max(0.0, deadline - time.monotonic()))[0]:
        piece = os.read(pipe, _CHUNK)
        if not piece:
            return b"".join(pieces), True
        pieces.append(piece)
    return b"", False


def _mapped() -> int:
    """Bytes of address space of this process; 0 where that is not told."""
    return _pages(0)


def _resident() -> int:
    return _pages(1)


def _pages(which: int) -> int:
    with suppress(OSError, ValueError, IndexError), open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[which]) * resource.getpagesize()
    return 0


def _name(number: int) -> str:
    with suppress(ValueError):
        return signal.Signals(number).name
    return f"signal {number}"
