"""A `trtexec` executable, such as that of the DRIVE OS host SDK. No shell, the paths as they are.

Asked about a network, it builds it with the safety scope flag. The exit code alone decides nothing: a build can fail
for many reasons. A log proves the same here as it does for `safecheck build`.
"""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Sequence
from typing import NamedTuple

from safecheck.errors import BuildError, UsageError
from safecheck.finding import Verdict
from safecheck.machine.process import Limits, Run, run
from safecheck.nvidia.backends.backend import Told, scope_refusals
from safecheck.nvidia.builder import Job, Places
from safecheck.nvidia.commandline import arguments, shell_line
from safecheck.nvidia.evidence import evidence
from safecheck.nvidia.log import Summary, parse
from safecheck.nvidia.plan import BuildPlan
from safecheck.rulebook.profile import Profile
from safecheck.text import printable

_HELP = Limits(60.0, output=1 << 20)
_OUTPUT = 64 << 20


class Said(NamedTuple):
    """One run of an executable, and how its log is read."""

    done: Run
    summary: Summary
    log: bytes


class Trtexec:
    """One executable, and the seconds that a run of it may take."""

    name = "trtexec"

    def __init__(self, program: str, timeout: float) -> None:
        self.program = program
        self._timeout = timeout
        self._gpu = ""
        self._without_running = "--buildOnly"
        self.release = ""
        """As its latest log says."""

    def run(self, options: Sequence[str], limits: Limits | None = None) -> Said:
        """Run it with these options.

        Raises:
            BuildError: it cannot be started.
        """
        log = io.BytesIO()
        done = run([self.program, *options], log, limits or Limits(self._timeout, output=_OUTPUT))
        log.seek(0)
        return Said(done, parse(log), log.getvalue())

    def ask_release(self) -> Said:
        """Learn the release that `--help` prints in its first line; 7.x and older print none.

        Raises:
            BuildError: it cannot be started.
        """
        said = self.run(["--help"], Limits(min(self._timeout, _HELP.seconds), output=_HELP.output))
        self.release = said.summary.tensorrt
        return said

    def require_restricted(self) -> None:
        """Refuse an executable that cannot be asked about the safety scope.

        Raises:
            UsageError: it cannot be run, or is of a release that has no `--restricted`.
        """
        where = printable(self.program)
        try:
            said = self.ask_release()
            problem = said.done.failure if said.done.timed_out or said.done.flooded else ""
        except BuildError as error:
            problem = error.what.removeprefix("it cannot be started: ")
        if problem:
            raise UsageError("SC-CFG-TRTEXEC", where, f"it cannot be run: {problem}", "give the path of trtexec")
        if b"--restricted" not in said.log:
            todo = "use the trtexec of a release from 8.2 to 10.15"
            raise UsageError("SC-CFG-TRTEXEC", where, "it has no option --restricted", todo)
        if b"--skipInference" in said.log:
            self._without_running = "--skipInference"

    def job(self, plan: BuildPlan, model: str, made: Places, kept: Places) -> Job:
        """What carries out a plan."""
        command = [self.program, *arguments(plan, model, str(made.engine), str(made.layers))]
        shown = shell_line(self.program, arguments(plan, model, str(kept.engine), str(kept.layers)))
        return Job(command, b"", shown)

    def ask(self, path: str, book: Profile) -> Told:
        """Build the network in a file with the flag, and read the log. The answer is about the release that built."""
        try:
            done, summary, log = self.run([f"--onnx={os.path.abspath(path)}", "--restricted", self._without_running])
        except BuildError as error:
            return Told(Verdict.UNPROVEN, f"trtexec failed: {error.what}")
        if done.timed_out or done.flooded:
            return Told(Verdict.UNPROVEN, f"trtexec failed: {done.failure}")
        self.release = summary.tensorrt or self.release
        self._gpu = printable(summary.gpu, 60) or self._gpu
        reason = printable(summary.errors[0].text, 300) if summary.errors else done.failure
        summary.options.setdefault("Restricted mode", "Enabled")  # as it was told, where it says nothing else
        clear = bool(summary.tensorrt) and done.code >= 0 and summary.passed is (done.code == 0)
        if clear and not (summary.passed and summary.complaints):
            found = evidence(summary, done.code == 0, {"device": "gpu", "tensorrt": summary.tensorrt}, None)
            if found.refused and (words := scope_refusals(summary)):
                return Told(Verdict.FORBIDDEN, words, log=log)
            if found.succeeded and found.scope_checked:
                return Told(Verdict.ALLOWED, "the build passed with the flag", log=log)
            reason = reason or found.reason
        reason = reason or "its log does not say that it passed"
        return Told(Verdict.UNPROVEN, f"trtexec failed for another reason: {reason}", log=log)

    def about(self) -> str:
        """The release, the GPU, and the hash of the executable."""
        try:
            with open(self.program, "rb") as file:
                sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError:
            sha256 = "unknown"
        device = self._gpu or "GPU unknown"
        return f"trtexec --restricted of TensorRT {self.release or 'unknown'}; {device}; executable SHA-256 {sha256}"
