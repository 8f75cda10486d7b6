"""Latency by NVIDIA's `trtexec`: the command line, and what its log says."""

from __future__ import annotations

import math
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path

from safecheck.errors import BuildError
from safecheck.measure.timing.latency import NotMeasured, Timing
from safecheck.nvidia.process import run
from safecheck.nvidia.version import from_code
from safecheck.text import printable

WARM_UP_MS = 1000
"""trtexec counts its warm-up in milliseconds."""
FLAGS = {"fp32": ("--noTF32",), "fp16": ("--fp16",), "mixed": ("--fp16", "--int8")}
"""TF32 is TensorRT's default for FP32 on Ampere and later, and another precision."""
_LOG_LIMIT = 64 << 20
_STAMP = r"^(?:\[[^\]]*\] )?(?:\[I\] )?"
_NUMBER = r"([0-9]+(?:\.[0-9]+)?(?:e[-+]?[0-9]+)?)"
_VERSION = re.compile(rf"{_STAMP}TensorRT version: ([0-9]+(?:\.[0-9]+){{1,3}})\s*$", re.MULTILINE)
_BANNER = re.compile(r"\[TensorRT v([0-9]{4,6})\]")
_DEVICE = re.compile(rf"{_STAMP}Selected Device: (.+)$", re.MULTILINE)
_THROUGHPUT = re.compile(rf"{_STAMP}Throughput: {_NUMBER} qps\s*$", re.MULTILINE)
_LATENCY = re.compile(rf"{_STAMP}Latency: (min = .+)$", re.MULTILINE)
_GPU = re.compile(rf"{_STAMP}GPU Compute Time: (min = .+)$", re.MULTILINE)
_PART = re.compile(rf"(median|percentile\([0-9.]+%\)) = {_NUMBER} ms")
_ERROR = re.compile(r"\[E\] (.+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Trtexec:
    """An executable and how long it may take."""

    path: str
    timeout: float
    """Seconds for building and timing one network."""

    def time(self, model: str, batch: int, precision: str, runs: int) -> Timing:
        """Build and time one model file of fixed shapes.

        Raises:
            NotMeasured: the executable cannot be started, fails, takes too long, or its log says nothing.
        """
        command = [
            self.path, f"--onnx={model}", *FLAGS[precision], f"--warmUp={WARM_UP_MS}", f"--iterations={runs}",
            "--duration=0", "--percentile=95,99",
        ]  # fmt: skip
        code, log = self._run(command)
        if code != 0 or "&&&& PASSED" not in log:
            ended = f"ended with {code}" if code else "did not report PASSED"
            problem = _ERROR.findall(log) or [line for line in log.splitlines() if line.strip()][-1:] or ["no output"]
            raise NotMeasured(f"trtexec {ended}: {printable(problem[0].strip(), 300)}")
        return parse(log, batch)

    def _run(self, command: list[str]) -> tuple[int, str]:
        with tempfile.TemporaryDirectory(prefix="safecheck-") as folder:
            log = Path(folder) / "log"
            try:
                done = run(command, log, self.timeout, limit=_LOG_LIMIT)
            except BuildError as error:
                raise NotMeasured(f"trtexec {error.what.removeprefix('it ')}: {printable(self.path)}") from error
            if done.timed_out:
                raise NotMeasured(f"trtexec took more than {self.timeout:g} s (--timeout)")
            return done.code, log.read_bytes().decode("utf-8", "replace").replace("\r", "")


def parse(log: str, batch: int) -> Timing:
    """The performance summary of a log, as TensorRT 8 to 11 print it; before 8.5 it has the 99th percentile only.

    Raises:
        NotMeasured: it is not there, or not as known.
    """
    latency, throughput = _parts(_LATENCY, log), _THROUGHPUT.search(log)
    if "median" not in latency or throughput is None:
        raise NotMeasured("the log of trtexec has no performance summary of a known form")
    device = _DEVICE.search(log)
    return Timing(
        latency["median"], latency.get("percentile(95%)"), latency.get("percentile(99%)"),
        _positive(throughput[1]) * batch, printable(device[1].strip(), 100) if device else "", _version(log),
        _parts(_GPU, log).get("median"),
    )  # fmt: skip


def _parts(pattern: re.Pattern[str], log: str) -> dict[str, float]:
    found = pattern.search(log)
    return {name: _positive(value) for name, value in _PART.findall(found[1])} if found else {}


def _positive(text: str) -> float:
    value = float(text)
    if not (math.isfinite(value) and value > 0):
        raise NotMeasured(f"the log of trtexec holds the impossible value {printable(text, 40)}")
    return value


def _version(log: str) -> str:
    written = _VERSION.search(log)
    if written:
        return f"TensorRT {written[1]}"
    banner = _BANNER.search(log)
    if not banner:
        return "TensorRT of unknown version"
    return f"TensorRT {from_code(int(banner[1])) or 'of unknown version'}"
