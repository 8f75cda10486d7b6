"""A trtexec executable: which release it is of, and the command for a plan. No shell, the paths as they are."""

from __future__ import annotations

import tempfile
from pathlib import Path

from safecheck.nvidia import log
from safecheck.nvidia.commandline import arguments, shell_line
from safecheck.nvidia.plan import BuildPlan
from safecheck.nvidia.process import run

_ASK_SECONDS = 20.0
_ASK_BYTES = 1 << 20


def release_of_program(program: str, timeout: float) -> str:
    """The release that `trtexec --help` prints in its first line; empty if it says none (7.x and older do not).

    Raises:
        BuildError: it cannot be started.
    """
    with tempfile.TemporaryDirectory(prefix="safecheck-") as folder:
        answer = Path(folder) / "help"
        run([program, "--help"], answer, min(timeout, _ASK_SECONDS), limit=_ASK_BYTES)
        return log.read(answer).tensorrt


def command(program: str, plan: BuildPlan, model: str, engine: str, layers: str) -> list[str]:
    """What is started."""
    return [program, *arguments(plan, model, engine, layers)]


def shown(program: str, plan: BuildPlan, model: str, engine: str, layers: str) -> str:
    """The same as a line for a shell."""
    return shell_line(program, arguments(plan, model, engine, layers))
