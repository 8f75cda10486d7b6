"""Ask the package `tensorrt`: it builds the network under the safety flag, on a machine with a GPU.

A plan, a process of its own and the reading of the log are those of `safecheck build`. Only what a builder whose check
was in force says counts: an engine allows, a refusal by the scope forbids, everything else decides nothing.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from safecheck.errors import BuildError, SafecheckError, UsageError
from safecheck.finding import Verdict
from safecheck.ir.model import load
from safecheck.nvidia.builder import Backend as Builder
from safecheck.nvidia.builder import Places, carry_out, find
from safecheck.nvidia.evidence import evidence
from safecheck.nvidia.plan import plan, ports_of
from safecheck.nvidia.probe.backend import Told
from safecheck.nvidia.version import release_of
from safecheck.rulebook.profile import Profile
from safecheck.text import printable

_SECONDS = 600.0


class Package:
    """The backend for the package of one interpreter.

    Raises:
        UsageError: it has no TensorRT.
    """

    name = "tensorrt"

    def __init__(self, book: Profile, interpreter: str | None, seconds: float = _SECONDS) -> None:
        self._target = book.target
        self._book = book.id
        self._seconds = seconds
        self._gpu = ""
        try:
            self._builder: Builder = find("tensorrt", None, interpreter, seconds)
        except BuildError as error:
            where = printable(interpreter or sys.executable)
            todo = "install TensorRT there, or give --python with the interpreter that has it"
            raise UsageError("SC-CFG-TENSORRT", where, "there is no package tensorrt here", todo) from error

    def ask(self, path: str) -> Told:
        """Build the network in a file with the flag, and read the log."""
        with tempfile.TemporaryDirectory(prefix="safecheck-") as folder:
            places = Places(Path(folder) / "engine")
            try:
                model = load(path)
                shape = ports_of(
                    model.proto, {node.proto.op_type for node in model.graph}, model.graph.scopes[0].tensors
                )
                wanted = release_of(self._target["tensorrt"], "profile")
                own = release_of(self._builder.release, "the builder")
                chosen = plan(self._book, self._target, wanted, own, shape, None, None, True)
                built = carry_out(chosen, self._builder, path, places, self._seconds)
            except SafecheckError as error:
                return Told(Verdict.UNPROVEN, f"the builder gave no answer: {error.what}")
            log = places.log.read_bytes()
        found = evidence(built.summary, built.succeeded, self._target, None)
        self._gpu = found.gpu or self._gpu
        words = "; ".join(dict.fromkeys(refusal.limit for refusal in found.errors)) or found.reason
        if found.refused:
            layers = tuple(dict.fromkeys(refusal.layer for refusal in found.errors if refusal.layer))
            return Told(Verdict.FORBIDDEN, words, layers, log)
        if found.succeeded and found.scope_checked:
            return Told(Verdict.ALLOWED, "the build passed with the flag in force", log=log)
        return Told(Verdict.UNPROVEN, f"this build decides nothing: {found.reason}", log=log)

    def about(self) -> str:
        """The release and the GPU."""
        return f"package tensorrt {self._builder.release}; {self._gpu or 'GPU unknown'}"

    def release(self) -> str:
        """As the package says."""
        return self._builder.release
