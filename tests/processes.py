"""`safecheck` in a process of its own that need not load the libraries first: it is forked from one that has.

For tests of what a command does; a test of how the program starts begins an interpreter of its own.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import resource
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(
    [
        "jinja2", "numpy", "onnx", "onnx.reference", "safecheck.__main__", "safecheck.cli.audit", "safecheck.cli.build",
        "safecheck.cli.compare", "safecheck.cli.fix", "safecheck.render.audit.html", "safecheck.usecases.audit",
        "safecheck.usecases.fix",
    ]
)  # fmt: skip
_HANGS = 600
"""Seconds after which something is wrong, however busy the machine is."""
_READ_BY_PYTHON = ("PYTHONHASHSEED", "PYTHONWARNINGS", "PYTHONIOENCODING", "LC_ALL", "LANG")


def safecheck(
    *arguments: object, cwd: Path | None = None, stdin: bytes = b"", environment: Mapping[str, str] = os.environ
) -> subprocess.CompletedProcess[bytes]:
    """Run the command in `cwd` with exactly this environment; in a new interpreter if that is what reads it."""
    words = [str(argument) for argument in arguments]
    if any(environment[name] != os.environ.get(name) for name in _READ_BY_PYTHON if name in environment):
        command = [sys.executable, "-m", "safecheck", *words]
        return subprocess.run(command, cwd=cwd, input=stdin, capture_output=True, env=environment, timeout=_HANGS)
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "0").write_bytes(stdin)
        code = _forked(words, cwd, environment, folder, None)
        output, errors = (Path(folder, name).read_bytes() for name in "12")
        return subprocess.CompletedProcess(words, code, output, errors)


@dataclass(frozen=True)
class Guarded:
    """How a command ended that may not use more than it was given."""

    code: int
    output: str
    errors: str
    seconds: float
    """Processor time, its own and that of what it started: how busy the machine is does not count."""
    peak: int
    """Bytes of memory of the largest of its processes; 0 if it was killed."""


def guarded(*arguments: object, cwd: Path, address_space: int = 6 << 30) -> Guarded:
    """Run the command with so many bytes of address space and 256 open files: the machine survives it."""
    words = [str(argument) for argument in arguments]
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "0").write_bytes(b"")
        code = _forked(words, cwd, os.environ, folder, address_space)
        output, errors = (Path(folder, name).read_bytes().decode("utf-8", "surrogateescape") for name in "12")
        usage = Path(folder, "usage")
        seconds, peak = usage.read_text().split() if usage.exists() else ("0", "0")
        return Guarded(code, output, errors, float(seconds), int(peak))


def _forked(words: list[str], cwd: Path | None, environment: Mapping[str, str], folder: str, space: int | None) -> int:
    process = _FORKS.Process(target=_run, args=(words, str(cwd or Path.cwd()), dict(environment), folder, space))
    process.start()
    process.join(_HANGS)
    if process.exitcode is None:
        process.kill()
        raise subprocess.TimeoutExpired(words, _HANGS)
    return process.exitcode


def safecheck_text(*arguments: object, **how: Any) -> subprocess.CompletedProcess[str]:
    """The same, with what is printed as text."""
    done = safecheck(*arguments, **how)
    return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())


def _run(arguments: list[str], cwd: str, environment: dict[str, str], folder: str, space: int | None) -> None:
    """Become the command: its streams are the files `0`, `1` and `2` of the folder, `usage` what it has used."""
    os.chdir(cwd)
    if space is not None:
        resource.setrlimit(resource.RLIMIT_AS, (space, space))
        resource.setrlimit(resource.RLIMIT_NOFILE, (256, 256))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.environ.clear()
    os.environ.update(environment)
    for number, flags in enumerate((os.O_RDONLY, os.O_WRONLY | os.O_CREAT, os.O_WRONLY | os.O_CREAT)):
        os.dup2(os.open(os.path.join(folder, str(number)), flags), number)
    sys.stdin, sys.stdout = os.fdopen(0, closefd=False), os.fdopen(1, "w", closefd=False)
    sys.stderr = os.fdopen(2, "w", errors="backslashreplace", buffering=1, closefd=False)
    sys.argv = ["safecheck", *arguments]
    gc.freeze()
    warnings.simplefilter("error", ResourceWarning)
    from safecheck.__main__ import main

    try:
        main()
        code: object = 0
    except SystemExit as end:
        code = end.code
    gc.collect()
    sys.stdout.flush()
    sys.stderr.flush()
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    seconds = sum(part.ru_utime + part.ru_stime for part in used)
    Path(folder, "usage").write_text(f"{seconds} {max(part.ru_maxrss for part in used) * 1024}")
    os._exit(code if isinstance(code, int) else 1)
