"""Find what a user names, before anything else is done."""

from __future__ import annotations

import os
import shutil
import sys

from safecheck.errors import BuildError, UsageError
from safecheck.nvidia.backends.backend import Backend
from safecheck.nvidia.backends.oracle import Oracle
from safecheck.nvidia.backends.package import Package
from safecheck.nvidia.backends.trtexec import Trtexec
from safecheck.nvidia.builder import Builder
from safecheck.text import printable

_SECONDS = 600.0
"""For the build of a network of one node."""


def find_builder(name: str | None, trtexec: str | None, interpreter: str | None, timeout: float) -> Builder:
    """The builder that is there; its release has been asked of it. `timeout` is in seconds.

    Raises:
        BuildError: there is none, in one line that says what to do.
        UsageError: --backend trtexec without --trtexec.
    """
    if trtexec is None and name != "trtexec":
        return Package(interpreter, timeout)
    if trtexec is None:
        raise UsageError("SC-CFG-BUILD", "--backend", "trtexec is not found by itself", "add --trtexec PATH")
    program = shutil.which(trtexec)
    if program is None:
        what = "nothing was built: this is no executable file"
        raise BuildError("SC-BUILD-NONE", printable(trtexec), what, "name the trtexec of your TensorRT")
    found = Trtexec(os.path.abspath(program), timeout)
    found.ask_release()
    return found


def find_backend(name: str, trtexec: str, interpreter: str | None, timeout: float = _SECONDS) -> Backend:
    """The backend to ask, of that name; `oracle` may be asked once `require_confirmable` has let it pass.

    Raises:
        UsageError: it is not there, or cannot be asked about the safety scope.
    """
    if name == "oracle":
        return Oracle()
    if name == "tensorrt":
        try:
            return Package(interpreter, timeout)
        except BuildError as error:
            where = printable(interpreter or sys.executable)
            todo = "install TensorRT there, or give --python with the interpreter that has it"
            raise UsageError("SC-CFG-TENSORRT", where, "there is no package tensorrt here", todo) from error
    program = shutil.which(trtexec)
    if program is None:
        raise UsageError("SC-CFG-TRTEXEC", printable(trtexec), "there is no such program", "give --trtexec PATH")
    found = Trtexec(program, timeout)
    found.require_restricted()
    return found
