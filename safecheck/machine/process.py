"""Run a program that is not trusted to end, to be quiet, to be modest, or to clean up after itself.

Whatever way it ends, everything that it started is ended with it: first its process group, then every process that
still carries the mark which the program was started with in its environment. So a process is found that has a session
of its own or has lost its parent. What escapes is a process that was started with another environment, that runs as
another user, or that has written over its environment; and on a system without /proc, all that left the group.
"""

from __future__ import annotations

import os
import resource
import secrets
import select
import selectors
import signal
import subprocess
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, NamedTuple, Protocol

from safecheck.errors import BuildError
from safecheck.text import printable

LOG_LIMIT = 256 << 20
"""Bytes of output; a verbose build of a large network writes some tens of MB."""
_CHUNK = 1 << 16
_TICK = 0.05
_SWEEPS = 20
_LOOKS = 5
"""Ticks for a process to become another program; one that was started without any environment costs as much."""
_PATIENCE = 1.0
"""Seconds for a process to end that has been killed."""


class Sink(Protocol):
    """What takes bytes."""

    def write(self, data: bytes, /) -> object:
        """Take them."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a program may use."""

    seconds: float
    output: int = LOG_LIMIT
    """Bytes; a program that writes more is stopped, and that is a failure."""
    memory: int | None = None
    """Bytes of address space of each of its processes; None for as much as there is."""
    resident: int | None = None
    """Bytes of memory that the program itself may fill, files that it maps not counted; where /proc tells them.

    A program that reaches the limit of its address space is told so and may go on with less; this one is stopped.
    """


@dataclass(frozen=True, slots=True)
class Run:
    """How a program ended."""

    code: int
    """Its exit code; minus the signal if one ended it."""
    seconds: float
    limits: Limits
    timed_out: bool
    flooded: bool
    """Whether it was stopped because it wrote more than the limit."""
    filled: bool = False
    """Whether it was stopped because it filled more memory than the limit."""

    @property
    def crash(self) -> str:
        """The name of the signal that ended it, empty if none did."""
        if self.code >= 0:
            return ""
        with suppress(ValueError):
            return signal.Signals(-self.code).name
        return f"signal {-self.code}"

    @property
    def failure(self) -> str:
        """Why it gave no answer, in words; empty if it ended by itself and with code 0."""
        if self.timed_out:
            return f"it did not answer within {self.limits.seconds:g} s"
        if self.flooded:
            return f"it wrote more than {self.limits.output >> 20} MB"
        if self.filled:
            return f"it took more than {(self.limits.resident or 0) >> 20} MB of memory"
        if self.code < 0:
            return f"it crashed ({signal.strsignal(-self.code) or 'unknown signal'})"
        return f"it ended with code {self.code}" if self.code else ""


def run(
    command: Sequence[str], output: Sink, limits: Limits, given: bytes | IO[bytes] = b"", *, errors: bool = True
) -> Run:
    """Run without a shell to the end, or to a limit, and end whatever it started.

    `given` is its standard input. Its standard output goes to `output`, up to the limit; so does its standard error,
    which is thrown away without `errors`.

    Raises:
        BuildError: it cannot be started.
    """
    mark = f"SAFECHECK_RUN_{secrets.token_hex(16)}"  # in the name: a runner below this one adds a mark of its own
    ending = _Ending()
    with tempfile.TemporaryFile() as file:
        if isinstance(given, bytes):
            file.write(given)
            file.seek(0)
            given = file
        started = time.monotonic()
        try:
            process = subprocess.Popen(
                command,
                stdin=given,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT if errors else subprocess.DEVNULL,
                start_new_session=True,
                env={**os.environ, mark: ""},
            )
        except (OSError, ValueError) as error:
            what = f"it cannot be started: {getattr(error, 'strerror', None) or 'unknown reason'}"
            todo = "name an executable of this machine"
            raise BuildError("SC-BUILD-START", printable(command[0]), what, todo) from error
        try:
            _restrict(process.pid, limits.memory)
            ending = _watch(process, output, started + limits.seconds, limits)
        finally:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)  # the leader is not reaped yet, so the number is still its own
            code = process.wait()
            _end_strays(mark)
            assert process.stdout is not None
            process.stdout.close()
    return Run(code, time.monotonic() - started, limits, *ending)


def _restrict(pid: int, memory: int | None) -> None:
    """Limit what a process and those that it starts may use; none of them leaves a core."""
    for which, most in ((resource.RLIMIT_AS, memory), (resource.RLIMIT_CORE, 0)):
        with suppress(ProcessLookupError):  # it has already ended
            if most is not None:
                hard = resource.prlimit(pid, which)[1]
                least = most if hard == resource.RLIM_INFINITY else min(most, hard)
                resource.prlimit(pid, which, (least, least))


class _Ending(NamedTuple):
    """Which limit ended a program; none if it ended by itself."""

    timed_out: bool = False
    flooded: bool = False
    filled: bool = False


def _watch(process: subprocess.Popen[bytes], output: Sink, deadline: float, limits: Limits) -> _Ending:
    """Copy the output until the program ends, or reaches a limit."""
    assert process.stdout is not None
    written, open_ = 0, True
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while True:
            quiet = True
            if open_ and selector.select(_TICK):
                data = os.read(process.stdout.fileno(), _CHUNK)
                open_, quiet = bool(data), False
                output.write(data[: limits.output - written])
                written += len(data)
                if written > limits.output:
                    return _Ending(flooded=True)
            elif not open_:
                time.sleep(_TICK)
            if quiet and _ended(process):  # a grandchild may hold the pipe open
                return _Ending()
            if time.monotonic() > deadline:
                return _Ending(timed_out=True)
            if limits.resident is not None and _resident(process.pid) > limits.resident:
                return _Ending(filled=True)


def _resident(pid: int) -> int:
    """Bytes of memory that a process has filled, without files that it maps; 0 where that is not told."""
    try:
        counts = Path(f"/proc/{pid}/statm").read_text().split()
        return (int(counts[1]) - int(counts[2])) * resource.getpagesize()
    except (OSError, ValueError, IndexError):
        return 0


def _ended(process: subprocess.Popen[bytes]) -> bool:
    """Whether the leader has ended, without reaping it."""
    return os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def _end_strays(mark: str) -> None:
    """End every process whose environment holds the mark, until there is none: one may have started another."""
    with suppress(FileNotFoundError):  # no /proc
        for _ in range(_SWEEPS):
            if not [pid for pid in os.listdir("/proc") if pid.isdigit() and _end_if_marked(int(pid), mark.encode())]:
                return


def _environment(pid: int) -> bytes:
    """The environment of a process; while it becomes another program it has none, and is waited for.

    Raises:
        OSError: it has ended, it is another user's, or a thread of the kernel without a program.
    """
    for _ in range(_LOOKS):
        if found := Path(f"/proc/{pid}/environ").read_bytes():
            return found
        os.readlink(f"/proc/{pid}/exe")
        time.sleep(_TICK)
    return b""


def _end_if_marked(pid: int, mark: bytes) -> bool:
    with suppress(OSError):  # it has ended, or it is another user's
        process = os.pidfd_open(pid)  # held, so that the number cannot pass to another one in between
        try:
            if mark in _environment(pid):
                signal.pidfd_send_signal(process, signal.SIGKILL)
                select.select([process], [], [], _PATIENCE)
                return True
        finally:
            os.close(process)
    return False
