"""Run a program that is not trusted to end well: limits of time, memory and output, and a reason for every failure."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from io import FileIO
from typing import NamedTuple

SECONDS = 120.0
"""A network of 6,000 layers takes half a second; a loaded machine may take its time."""
MEMORY = 4 << 30
"""Bytes of address space beside those for the model: the library maps 250 MB, whatever it is asked."""
OUTPUT = 64 << 20
"""Bytes of answer."""


class ChildError(Exception):
    """The program gave no answer; the text says why."""


class Ended(NamedTuple):
    """A program that came to its end."""

    code: int
    """Exit code; the negated number of the signal where one ended it."""
    output: bytes


def run(argv: Sequence[str], stdin: FileIO | None, *, seconds: float = SECONDS, memory: int = MEMORY) -> bytes:
    """What a program that succeeds writes to its standard output. Its standard error is thrown away.

    Raises:
        ChildError: it crashed, failed, wrote too much, or did not end within the time.
    """
    ended = execute(argv, stdin, seconds=seconds, memory=memory)
    if ended.code:
        raise ChildError(end_of(ended.code))
    return ended.output


def end_of(code: int) -> str:
    """How a program ended that failed, in words."""
    return f"it crashed ({signal.strsignal(-code) or 'unknown signal'})" if code < 0 else f"it ended with code {code}"


def execute(
    argv: Sequence[str], stdin: FileIO | None, *, seconds: float, memory: int | None = None, errors: bool = False
) -> Ended:
    """Run a program to its end, whatever the end is; with `errors`, its output holds its standard error as well.

    Raises:
        ChildError: it wrote too much, or did not end within the time.
    """
    with tempfile.TemporaryFile() as output:
        child = subprocess.Popen(
            argv,
            stdin=stdin or subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT if errors else subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            _limit(child.pid, memory)
            code = child.wait(seconds)
        except subprocess.TimeoutExpired:
            raise ChildError(f"it did not answer within {seconds:g} s") from None
        finally:
            if child.poll() is None:
                os.killpg(child.pid, signal.SIGKILL)
                child.wait()
        if os.fstat(output.fileno()).st_size >= OUTPUT:
            raise ChildError(f"it wrote more than {OUTPUT >> 20} MB")
        output.seek(0)
        return Ended(code, output.read())


def _limit(pid: int, memory: int | None) -> None:
    limits = {resource.RLIMIT_AS: memory, resource.RLIMIT_FSIZE: OUTPUT, resource.RLIMIT_CORE: 0}
    with suppress(ProcessLookupError):  # it has already ended
        for which, most in limits.items():
            if most is not None:
                hard = resource.prlimit(pid, which)[1]
                least = most if hard == resource.RLIM_INFINITY else min(most, hard)
                resource.prlimit(pid, which, (least, least))
