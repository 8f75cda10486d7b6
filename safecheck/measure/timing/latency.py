"""How long one run takes, in onnxruntime on the CPU."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from safecheck.rewrite.proof.runtime import Session


@dataclass(frozen=True, slots=True)
class Timing:
    """Times of one model at one batch."""

    median: float
    """Milliseconds a run of the whole batch takes, and so are the others."""
    p95: float | None
    p99: float | None
    """None where the backend does not say."""
    throughput: float
    """Frames a second: the batch counts once per frame."""
    device: str = ""
    versions: str = ""
    gpu_time: float | None = None
    """Milliseconds of the GPU alone, without copies; the median."""


class NotMeasured(Exception):  # noqa: N818 - a result, not a failure of safecheck
    """There is no number; the text is the reason."""


def summary(runs: Sequence[float], batch: int) -> Timing:
    """Median, 95th and 99th percentile (nearest rank) of run times in milliseconds, and frames a second over all.

    A percentile needs as many runs as leave one beyond it: 20 and 100. With fewer it would be the slowest run.
    """
    ordered = sorted(runs)

    def rank(percent: int) -> float | None:
        enough = len(ordered) * (100 - percent) >= 100
        return ordered[math.ceil(percent * len(ordered) / 100) - 1] if enough else None

    return Timing(statistics.median(ordered), rank(95), rank(99), 1000 * batch * len(runs) / sum(runs))


def time_runs(
    model: str, feeds: Mapping[str, Any], batch: int, warmup: int, runs: int, tick: Callable[[int], None]
) -> Timing:
    """Run a model file `warmup` times, then `runs` times with the clock on; onnxruntime's optimisations are on.

    Raises:
        RunError: onnxruntime cannot run it.
    """
    session = Session(model, optimised=True)
    for _ in range(warmup):
        session.run(feeds)
    times = []
    for _ in range(runs):
        start = time.perf_counter_ns()
        session.run(feeds)
        times.append((time.perf_counter_ns() - start) / 1e6)
        tick(1)
    return summary(times, batch)
