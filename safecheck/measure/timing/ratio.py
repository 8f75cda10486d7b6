"""How much longer one model takes than another, in onnxruntime on the CPU of this machine."""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from safecheck.rewrite.proof.runtime import Session, version

PAIRS = 15
_LEAST = 3
_WARMUP = 2
SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Latency:
    """Two models that took turns."""

    before: float
    """Median milliseconds of a run, and so is the other."""
    after: float
    pairs: int
    runtime: str

    @property
    def ratio(self) -> float:
        """How many times as long the second one takes."""
        return self.after / self.before


def latency(
    before: bytes | str, after: bytes | str, feeds: Mapping[str, Any], pairs: int = PAIRS, seconds: float = SECONDS
) -> Latency:
    """Run both in turns, optimisations on; fewer pairs than asked for, but at least three, where time runs out.

    Raises:
        RunError: onnxruntime cannot run one of them.
    """
    sessions = [Session(model, optimised=True) for model in (before, after)]
    end = time.perf_counter() + seconds
    for session in sessions * _WARMUP:
        session.run(feeds)
    times: list[tuple[float, ...]] = []
    while len(times) < min(pairs, _LEAST) or (len(times) < pairs and time.perf_counter() < end):
        times.append(tuple(_milliseconds(session, feeds) for session in sessions))
    old, new = (statistics.median(column) for column in zip(*times, strict=True))
    return Latency(old, new, len(times), version())


def _milliseconds(session: Session, feeds: Mapping[str, Any]) -> float:
    start = time.perf_counter_ns()
    session.run(feeds)
    return max(1, time.perf_counter_ns() - start) / 1e6
