"""Latency by NVIDIA's `trtexec`: the command line, and what its log says."""

from __future__ import annotations

import math
import re

from safecheck.errors import BuildError
from safecheck.measure.timing.latency import NotMeasured, Timing
from safecheck.nvidia.backends.trtexec import Trtexec
from safecheck.nvidia.log import Summary
from safecheck.text import printable

WARM_UP_MS = 1000
"""trtexec counts its warm-up in milliseconds."""
FLAGS = {"fp32": ("--noTF32",), "fp16": ("--fp16",), "mixed": ("--fp16", "--int8")}
"""TF32 is TensorRT's default for FP32 on Ampere and later, and another precision."""
_NUMBER = r"([0-9]+(?:\.[0-9]+)?(?:e[-+]?[0-9]+)?)"
_THROUGHPUT = re.compile(rf"{_NUMBER} qps\Z")
_PART = re.compile(rf"(median|percentile\([0-9.]+%\)) = {_NUMBER} ms")


def time_network(tool: Trtexec, model: str, batch: int, precision: str, runs: int) -> Timing:
    """Build and time one model file of fixed shapes.

    Raises:
        NotMeasured: the executable cannot be started, fails, takes too long, or its log says nothing.
    """
    try:
        done, summary, _ = tool.run([
            f"--onnx={model}", *FLAGS[precision], f"--warmUp={WARM_UP_MS}", f"--iterations={runs}", "--duration=0",
            "--percentile=95,99",
        ])  # fmt: skip
    except BuildError as error:
        raise NotMeasured(f"trtexec {error.what.removeprefix('it ')}: {printable(tool.program)}") from error
    if done.timed_out:
        raise NotMeasured(f"trtexec took more than {done.limits.seconds:g} s (--timeout)")
    if done.flooded:
        raise NotMeasured(f"trtexec {done.failure.removeprefix('it ')} and was stopped")
    if done.code != 0 or not summary.passed:
        ended = f"ended with {done.code}" if done.code else "did not report PASSED"
        problem = summary.errors[0].text if summary.errors else summary.last or "no output"
        raise NotMeasured(f"trtexec {ended}: {printable(problem, 300)}")
    return timing_of(summary, batch)


def timing_of(summary: Summary, batch: int) -> Timing:
    """The performance summary of a log, as TensorRT 8 to 11 print it; before 8.5 it has the 99th percentile only.

    Raises:
        NotMeasured: it is not there, or not as known.
    """
    latency, gpu = (_parts(summary.options.get(name, "")) for name in ("Latency", "GPU Compute Time"))
    throughput = _THROUGHPUT.match(summary.options.get("Throughput", ""))
    if "median" not in latency or throughput is None:
        raise NotMeasured("the log of trtexec has no performance summary of a known form")
    return Timing(
        latency["median"], latency.get("percentile(95%)"), latency.get("percentile(99%)"),
        _positive(throughput[1]) * batch, printable(summary.gpu, 100),
        f"TensorRT {summary.tensorrt or 'of unknown version'}", gpu.get("median"),
    )  # fmt: skip


def _parts(text: str) -> dict[str, float]:
    return {name: _positive(value) for name, value in _PART.findall(text)} if text.startswith("min = ") else {}


def _positive(text: str) -> float:
    value = float(text)
    if not (math.isfinite(value) and value > 0):
        raise NotMeasured(f"the log of trtexec holds the impossible value {printable(text, 40)}")
    return value
