"""CPU seconds and peak memory of whole processes, measured in pairs.

CPU seconds (user and system) instead of wall time, medians instead of means, and the two sides of a comparison taking
turns: what else the machine does then hits both alike. This module stays small on purpose: Linux counts the memory
of the process that starts a child towards the child's peak.
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass

Argv = Sequence[str]
_DONE = frozenset({0})


class RunError(Exception):
    """A measured command did not do its work, so its time means nothing."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What one process took, or the medians of several."""

    cpu_s: float
    """User and system time."""
    rss_mb: float
    """Peak resident memory in units of 10**6 bytes."""


def run(argv: Argv, exit_codes: frozenset[int], most_s: int = resource.RLIM_INFINITY) -> Cost:
    """Run a command to its end, its output thrown away, for at most so many CPU seconds."""
    with subprocess.Popen(
        argv,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CPU, (most_s, most_s)),
    ) as child:
        assert child.stderr is not None
        complaint = child.stderr.read()
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode not in exit_codes:
        last = complaint.decode(errors="replace").strip().rpartition("\n")[2]
        raise RunError(f"{argv} ended with {child.returncode}: {last}")
    return Cost(usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024 / 1e6)


def paired(
    ours: Argv, reference: Argv | None, runs: int, exit_codes: frozenset[int], reference_codes: frozenset[int] = _DONE
) -> tuple[Cost, Cost | None]:
    """Medians of both commands over interleaved runs; of memory the maximum. One more run of each warms the caches."""
    ours_costs: list[Cost] = []
    reference_costs: list[Cost] = []
    for index in range(runs + 1):
        sides = [(ours, ours_costs, exit_codes)]
        if reference is not None:
            sides.append((reference, reference_costs, reference_codes))
        for argv, costs, codes in sides if index % 2 else reversed(sides):
            cost = run(argv, codes)
            if index:
                costs.append(cost)
    return _median(ours_costs), _median(reference_costs) if reference_costs else None


def _median(costs: list[Cost]) -> Cost:
    return Cost(statistics.median(cost.cpu_s for cost in costs), max(cost.rss_mb for cost in costs))
