"""`safecheck` in a process of its own that need not load the libraries first: it is forked from one that has.

For tests of what a command does; a test of how the program starts begins an interpreter of its own.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(
    [
        "numpy", "onnx", "onnx.reference", "safecheck.__main__", "safecheck.cli.audit", "safecheck.cli.build",
        "safecheck.cli.compare", "safecheck.cli.fix", "safecheck.usecases.audit", "safecheck.usecases.fix",
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
        process = _FORKS.Process(target=_run, args=(words, str(cwd or Path.cwd()), dict(environment), folder))
        process.start()
        process.join(_HANGS)
        if process.exitcode is None:
            process.kill()
            raise subprocess.TimeoutExpired(words, _HANGS)
        output, errors = (Path(folder, name).read_bytes() for name in "12")
        return subprocess.CompletedProcess(words, process.exitcode, output, errors)


def safecheck_text(*arguments: object, **how: Any) -> subprocess.CompletedProcess[str]:
    """The same, with what is printed as text."""
    done = safecheck(*arguments, **how)
    return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())


def _run(arguments: list[str], cwd: str, environment: dict[str, str], folder: str) -> None:
    """Become the command: its streams are the files `0`, `1` and `2` of the folder."""
    os.chdir(cwd)
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
    os._exit(code if isinstance(code, int) else 1)
