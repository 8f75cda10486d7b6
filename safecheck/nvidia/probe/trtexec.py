"""Ask a `trtexec` executable, such as that of the DRIVE OS host SDK: it builds the network with the safety scope flag.

The exit code alone decides nothing: a build can fail for many reasons. A refusal is a failed build whose log names the
safety scope, an acceptance a build that passed; everything else is no answer.
"""

from __future__ import annotations

import hashlib
import os
import re

from safecheck.errors import UsageError
from safecheck.finding import Verdict
from safecheck.nvidia.probe.backend import Told
from safecheck.nvidia.scope_check.child import ChildError, end_of, execute
from safecheck.nvidia.version import from_code
from safecheck.text import printable

_SECONDS = 600.0
_PASSED = re.compile(r"^&&&& PASSED ", re.MULTILINE)
_FAILED = re.compile(r"^&&&& FAILED ", re.MULTILINE)
_SCOPE = re.compile(
    r"not (?:supported in|within) (?:GPU )?safety (?:restricted mode|scope)|failed \w[\w. ]* safety scope validation|"
    r"failed safety scope validation|are not in safety scope", re.IGNORECASE,
)  # fmt: skip
_ERROR = re.compile(r"^(?:\[[^\]]*\] )?\[E\] (.*)$", re.MULTILINE)
_VERSION = re.compile(r"TensorRT version: (\d+(?:\.\d+)+)")
_BANNER = re.compile(r"\[TensorRT v(\d{4,6})\]")
_DEVICE = re.compile(r"Selected Device: ([^\n]*)")


class Trtexec:
    """The backend for one executable.

    Raises:
        UsageError: it cannot be run, or is of a release that has no `--restricted`.
    """

    name = "trtexec"

    def __init__(self, executable: str, seconds: float = _SECONDS) -> None:
        self._executable = executable
        self._seconds = seconds
        self._release = self._device = ""
        try:
            text = execute([executable, "--help"], None, seconds=60, errors=True).output.decode("utf-8", "replace")
        except (OSError, ValueError, ChildError) as error:
            what = f"it cannot be run: {getattr(error, 'strerror', None) or error}"
            raise UsageError("SC-CFG-TRTEXEC", printable(executable), what, "give the path of trtexec") from error
        if "--restricted" not in text:
            todo = "use the trtexec of a release from 8.2 to 10.15"
            raise UsageError("SC-CFG-TRTEXEC", printable(executable), "it has no option --restricted", todo)
        self._without_running = "--skipInference" if "--skipInference" in text else "--buildOnly"

    def ask(self, path: str) -> Told:
        """Build the network in a file with the flag, and read the log."""
        argv = [self._executable, f"--onnx={os.path.abspath(path)}", "--restricted", self._without_running]
        try:
            ended = execute(argv, None, seconds=self._seconds, errors=True)
        except (OSError, ChildError) as error:
            return Told(Verdict.UNPROVEN, f"trtexec failed: {printable(str(error))}")
        text = ended.output.decode("utf-8", "replace")
        self._learn(text)
        errors = [printable(line, 300) for line in _ERROR.findall(text)]
        refusals = [line for line in errors if _SCOPE.search(line)]
        if ended.code == 0 and _PASSED.search(text) and not _FAILED.search(text) and not errors:
            return Told(Verdict.ALLOWED, "the build passed with the flag", log=ended.output)
        if ended.code > 0 and _FAILED.search(text) and refusals:
            return Told(Verdict.FORBIDDEN, "; ".join(dict.fromkeys(refusals)), log=ended.output)
        reason = errors[0] if errors else end_of(ended.code) if ended.code else "its log does not say that it passed"
        return Told(Verdict.UNPROVEN, f"trtexec failed for another reason: {reason}", log=ended.output)

    def _learn(self, text: str) -> None:
        version, banner, device = _VERSION.search(text), _BANNER.search(text), _DEVICE.search(text)
        if version is not None:
            self._release = version[1]
        elif banner is not None:
            self._release = from_code(int(banner[1]))
        if device is not None:
            self._device = printable(device[1], 60)

    def about(self) -> str:
        """The release, the GPU, and the hash of the executable."""
        try:
            with open(self._executable, "rb") as file:
                sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError:
            sha256 = "unknown"
        device = self._device or "GPU unknown"
        return f"trtexec --restricted of TensorRT {self._release or 'unknown'}; {device}; executable SHA-256 {sha256}"

    def release(self) -> str:
        """As the log says."""
        return self._release
