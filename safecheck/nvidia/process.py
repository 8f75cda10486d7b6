"""Run a program that is not trusted to end, to be quiet, or to clean up after itself."""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from safecheck.errors import BuildError
from safecheck.text import printable

LOG_LIMIT = 256 << 20
"""Bytes of output that are kept; a verbose build of a large network writes some tens of MB."""
_CHUNK = 1 << 16
_TICK = 0.05


@dataclass(frozen=True, slots=True)
class Run:
    """How a program ended."""

    code: int
    """Its exit code; minus the signal if one ended it."""
    seconds: float
    timed_out: bool
    flooded: bool
    """Whether it was stopped because it wrote more than the limit."""

    @property
    def crash(self) -> str:
        """The name of the signal that ended it, empty if none did."""
        if self.code >= 0:
            return ""
        with suppress(ValueError):
            return signal.Signals(-self.code).name
        return f"signal {-self.code}"


def run(command: Sequence[str], log: Path, timeout: float, given: bytes = b"", limit: int = LOG_LIMIT) -> Run:
    """Run without a shell in a process group of its own; whatever is left of the group is ended with it.

    Standard output and error go to `log`, at most `limit` bytes. `timeout` is in seconds.

    Raises:
        BuildError: it cannot be started.
    """
    started = time.monotonic()
    try:
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True
        )
    except OSError as error:
        what = f"it cannot be started: {error.strerror or 'unknown reason'}"
        raise BuildError("SC-BUILD-START", printable(command[0]), what, "name an executable of this machine") from None
    timed_out = flooded = False
    try:
        _give(process, given)
        timed_out, flooded = _watch(process, log, started + timeout, limit)
    finally:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)  # the leader is not reaped yet, so the number is still its own
        code = process.wait()
        assert process.stdout is not None
        process.stdout.close()
    return Run(code, time.monotonic() - started, timed_out, flooded)


def _give(process: subprocess.Popen[bytes], given: bytes) -> None:
    assert process.stdin is not None
    with suppress(BrokenPipeError):
        process.stdin.write(given)
    with suppress(BrokenPipeError):
        process.stdin.close()


def _watch(process: subprocess.Popen[bytes], log: Path, deadline: float, limit: int) -> tuple[bool, bool]:
    """Copy the output until the program ends; whether time or space ran out."""
    assert process.stdout is not None
    written, open_ = 0, True
    with log.open("wb") as file, selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while True:
            quiet = True
            if open_ and selector.select(_TICK):
                data = os.read(process.stdout.fileno(), _CHUNK)
                open_, quiet = bool(data), False
                file.write(data[: limit - written])
                written += len(data)
                if written > limit:
                    return False, True
            elif not open_:
                time.sleep(_TICK)
            if quiet and _ended(process):  # a grandchild may hold the pipe open
                return False, False
            if time.monotonic() > deadline:
                return True, False


def _ended(process: subprocess.Popen[bytes]) -> bool:
    """Whether the leader has ended, without reaping it."""
    return os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
