"""The package `tensorrt` of one interpreter: it builds on a machine with a GPU.

Asked about a network, it builds it under the safety flag. Only what a builder whose check was in force says counts: an
engine allows, a refusal by the scope forbids, everything else decides nothing, a refusal by the
parser included.
"""

from __future__ import annotations

import io
import json
import re
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

from safecheck.errors import BuildError, SafecheckError
from safecheck.finding import Verdict
from safecheck.ir.model import load
from safecheck.machine.process import Limits, run
from safecheck.nvidia import engine
from safecheck.nvidia.backends.backend import Told, scope_refusals
from safecheck.nvidia.builder import HOW, Job, Places, carry_out
from safecheck.nvidia.evidence import evidence
from safecheck.nvidia.plan import BuildPlan, plan, ports_of
from safecheck.nvidia.version import release_of
from safecheck.rulebook.profile import Profile
from safecheck.text import printable

_ASK = Limits(120.0, output=1 << 16)
_VERSION = re.compile(r"[0-9]{1,3}(\.[0-9]{1,5}){1,3}")


class Package:
    """The package of an interpreter, by default of this one, and the seconds that a build may take.

    Raises:
        BuildError: it is not there, in one line that says what to do.
    """

    name = "tensorrt"

    def __init__(self, interpreter: str | None, timeout: float) -> None:
        self._interpreter = interpreter or sys.executable
        self._timeout = timeout
        self._gpu = ""
        output = io.BytesIO()
        limits = Limits(min(timeout, _ASK.seconds), output=_ASK.output)
        done = run([self._interpreter, engine.__file__, "--version"], output, limits)
        version = _VERSION.match(output.getvalue().decode("utf-8", "replace").strip())  # 10.0.0b6 is a release too
        if done.code or version is None:
            where = "" if interpreter is None else printable(interpreter)
            raise BuildError("SC-BUILD-NONE", where, "nothing was built: there is no TensorRT here", HOW)
        self.release = version[0]

    def job(self, plan: BuildPlan, model: str, made: Places, kept: Places) -> Job:
        """What carries out a plan; there is no line for a shell that does the same."""
        order = {"plan": asdict(plan), "model": model, "engine": str(made.engine), "layers": str(made.layers)}
        return Job([self._interpreter, engine.__file__], json.dumps(order).encode(), "")

    def ask(self, path: str, book: Profile) -> Told:
        """Build the network in a file with the flag, and read the log."""
        with tempfile.TemporaryDirectory(prefix="safecheck-") as folder:
            places = Places(Path(folder) / "engine")
            try:
                model = load(path)
                operators = {node.op_type for node in model.graph}
                shape = ports_of(model.proto, operators, model.graph.scopes[0].tensors)
                wanted = release_of(book.target["tensorrt"], "profile")
                own = release_of(self.release, "the builder")
                chosen = plan(book.id, book.target, wanted, own, shape)
                built = carry_out(chosen, self, path, places, self._timeout)
            except SafecheckError as error:
                return Told(Verdict.UNPROVEN, f"the builder gave no answer: {error.what}")
            log = places.log.read_bytes()
        found = evidence(built.summary, built.succeeded, book.target, None)
        self._gpu = found.gpu or self._gpu
        if found.refused and (words := scope_refusals(built.summary)):
            return Told(Verdict.FORBIDDEN, words, log=log)
        if found.succeeded and found.scope_checked:
            return Told(Verdict.ALLOWED, "the build passed with the flag in force", log=log)
        return Told(Verdict.UNPROVEN, f"this build decides nothing: {found.reason}", log=log)

    def about(self) -> str:
        """The release and the GPU."""
        return f"package tensorrt {self.release}; {self._gpu or 'GPU unknown'}"
