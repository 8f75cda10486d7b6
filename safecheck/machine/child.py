"""A program of this very installation, for a process of its own."""

from __future__ import annotations

import os
import sys

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


def command(module: str) -> tuple[str, ...]:
    """The command that calls `main` of a module of this package; its arguments go behind it."""
    folder = os.path.dirname(os.path.dirname(safecheck.__file__))
    return (sys.executable, "-P", "-c", _START, folder, module)
