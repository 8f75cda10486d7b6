"""Ask the vendor's scope check about a model, in a process of its own."""

from __future__ import annotations

import hashlib
import io
import os
from functools import cache
from importlib import metadata
from typing import IO

from safecheck.errors import BuildError, UsageError, pip_install
from safecheck.machine.child import command
from safecheck.machine.process import Limits, run
from safecheck.nvidia.scope_check.answers import Answer, Scope, failed, read

PACKAGE = "tensorrt_rtx_cu13_bindings"
VERSION = "1.4.0.76"
"""The only version known to hold the check: later ones accept the flag and ignore it."""
PROGRAM = command("safecheck.nvidia.scope_check.program")
SECONDS = 120.0
"""A network of 6,000 layers takes half a second; a loaded machine may take its time."""
_MEMORY = 4 << 30
"""Bytes of address space beside those for the model: the library maps 250 MB, whatever it is asked."""
_MEMORY_PER_BYTE = 4
_ANSWER = 64 << 20


def require() -> None:
    """Refuse to start where the check is not installed.

    Raises:
        UsageError: the package is missing, or is a version that does not check.
    """
    try:
        found = {metadata.version(name) for name in (PACKAGE, "tensorrt_rtx_cu13_libs")}
    except metadata.PackageNotFoundError:
        found = set()
    if found != {VERSION}:
        what = f"the vendor's check is {'not installed' if not found else 'another version than ' + VERSION}"
        raise UsageError("SC-CFG-ORACLE", "", what, f"run: {pip_install('oracle')} (Linux, x86-64)")


def ask(
    path: str,
    stdin: IO[bytes] | None = None,
    *,
    size: int = 0,
    layers: bool = False,
    description: str = "",
    program: tuple[str, ...] = PROGRAM,
    seconds: float = SECONDS,
) -> Answer:
    """Ask about the model at `path`, or the one in `stdin` for `-`, of `size` bytes with its external data.

    The network that the parser made is written to the file `description`, if one is named. Whatever goes wrong is an
    answer that decides nothing, with the reason.
    """
    argv = [*program, path, *(["--layers"] if layers else ()), *(["--describe", description] if description else ())]
    if stdin is not None:
        stdin.seek(0)
    output = io.BytesIO()
    try:
        limits = Limits(seconds, _ANSWER, _MEMORY + _MEMORY_PER_BYTE * size)
        done = run(argv, output, limits, stdin or b"", errors=False)
    except BuildError as error:
        return failed(f"it could not be started: {error.__cause__}")
    if done.failure:
        return failed(done.failure)
    answer = read(output.getvalue())
    if answer.scope is not Scope.CRASHED and answer.version != VERSION:
        return failed(f"version '{answer.version}' answered instead of {VERSION}")
    return answer


def library_sha256(path: str) -> str:
    """SHA-256 of the library that answered; empty where it cannot be read."""
    try:
        state = os.stat(path)
        return _sha256(path, state.st_size, state.st_mtime_ns)
    except (OSError, ValueError):
        return ""


@cache
def _sha256(path: str, size: int, changed_ns: int) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
