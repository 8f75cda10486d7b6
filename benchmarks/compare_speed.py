"""`python benchmarks/compare_speed.py MODEL...`: how long one `safecheck compare` of these models takes.

Two targets and all four formats, as a user starts it; the median of the wall times, because models are worked on side
by side, and of the CPU seconds of all processes. With --strict, exit code 1 above the limit of 15 seconds, which is
meant for four networks of a hundred megabytes on two idle cores.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

LIMIT_S = 15.0
TARGETS = ("--profile", "tensorrt-8.6-restricted", "--profile", "tensorrt-10-safety")
FORMATS = ("text", "json", "html", "markdown")


def once(models: list[str], folder: str) -> tuple[float, float]:
    outputs = [word for name in FORMATS for word in ("--output", f"{name}={Path(folder, name)}")]
    command = [sys.executable, "-P", "-m", "safecheck", "compare", *models, *TARGETS, *outputs]
    before, start = os.times(), time.perf_counter()
    done = subprocess.run(command, stdout=subprocess.DEVNULL)
    seconds, after = time.perf_counter() - start, os.times()
    if done.returncode not in (0, 1, 3):
        raise SystemExit(f"compare_speed: the comparison ended with {done.returncode}")
    used = after.children_user - before.children_user + after.children_system - before.children_system
    return seconds, used


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+", metavar="MODEL")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--strict", action="store_true")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        runs = [once(chosen.models, folder) for _ in range(chosen.runs)]
    wall, cpu = (statistics.median(values) for values in zip(*runs, strict=True))
    print(
        f"{len(chosen.models)} models, {len(TARGETS) // 2} targets: "
        f"{wall:.1f} s, {cpu:.1f} CPU seconds, {os.cpu_count()} cores"
    )
    return 1 if chosen.strict and wall > LIMIT_S else 0


if __name__ == "__main__":
    sys.exit(main())
