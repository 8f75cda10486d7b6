"""A program of this very installation, for a process of its own."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from contextlib import suppress

import safecheck

# Also where another installation comes first; -P: nothing is imported from the current folder.
_START = """
import sys
from importlib import import_module
from importlib.machinery import PathFinder
from importlib.util import module_from_spec
spec = PathFinder.find_spec("safecheck", [sys.argv.pop(1)])
sys.modules["safecheck"] = package = module_from_spec(spec)
spec.loader.exec_module(package)
import_module(sys.argv.pop(1)).main(sys.argv[1:])
"""


_PR_SET_PDEATHSIG = 1
"""From <linux/prctl.h>."""


def command(module: str) -> tuple[str, ...]:
    """The command that calls `main` of a module of this package; its arguments go behind it."""
    folder = os.path.dirname(os.path.dirname(safecheck.__file__))
    return (sys.executable, "-P", "-c", _START, folder, module)


def end_with_parent() -> None:
    """Let the system end this process when the one that started it is gone, even by a signal it could not catch."""
    parent = os.getppid()
    with suppress(OSError, AttributeError):  # not Linux: it ends by itself
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)
