"""What `audit --confirm` costs: wall time and peak memory of all its processes, beside an audit alone.

    pip install -e '.[oracle]' psutil
    python benchmarks/confirm_cost.py MODEL... [--runs N] [--keep benchmarks/results/confirm_cost.json]

The limits are 5 s and 1.5 GB for a whole network; with one exceeded the exit code is 1.
"""

from __future__ import annotations

import argparse
import datetime
import json
import platform
import resource
import statistics
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

SECONDS, MEGABYTES = 5.0, 1500.0
PROFILE = "tensorrt-10-safety"


def timed(model: Path, *options: str) -> float:
    """Wall seconds of one audit."""
    argv = [sys.executable, "-m", "safecheck", "audit", "--no-cache", str(model), "--profile", PROFILE, *options]
    started = time.perf_counter()
    done = subprocess.run(argv, capture_output=True, check=False)
    seconds = time.perf_counter() - started
    if done.returncode not in (0, 1):
        sys.exit(f"confirm_cost: {model}: {done.stderr.decode().strip() or done.stdout.decode()[:500]}")
    return seconds


def measured(model: Path, runs: int) -> dict[str, Any]:
    audit, confirm = [], []
    for _ in range(runs):
        audit.append(timed(model))
        confirm.append(timed(model, "--confirm"))
    return {
        "name": model.stem.replace("__", ", "),
        "size_mb": model.stat().st_size / 1e6,
        "audit_s": round(statistics.median(audit), 3),
        "confirm_s": round(statistics.median(confirm), 3),
    }


def peak_mb(model: Path) -> float:
    """The largest resident memory of the command or its child, in a process that has run nothing else."""
    code = f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r}); import confirm_cost as c; c.print_peak()"
    done = subprocess.run([sys.executable, "-c", code, str(model)], capture_output=True, text=True, check=True)
    return float(done.stdout)


def print_peak() -> None:
    timed(Path(sys.argv[1]), "--confirm")
    print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024 / 1e6)


def processor() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(": ")[2]
    return platform.machine()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", type=Path, nargs="+", metavar="MODEL")
    parser.add_argument("--runs", type=int, default=5, help="runs of each command per model (5)")
    parser.add_argument("--keep", type=Path, metavar="FILE", help="write the figures here")
    options = parser.parse_args()
    rows = []
    for model in options.models:
        row = measured(model, options.runs) | {"peak_mb": round(peak_mb(model), 1)}
        print("{name:36} audit {audit_s:.2f} s  confirm {confirm_s:.2f} s  {peak_mb:.0f} MB".format(**row))
        rows.append(row)
    if options.keep:
        figures = {
            "date": str(datetime.date.today()),
            "machine": f"{processor()}, {platform.system()}",
            "versions": f"Python {platform.python_version()}, tensorrt_rtx_cu13 {version('tensorrt_rtx_cu13_libs')}",
            "runs": options.runs,
            "networks": rows,
        }
        options.keep.parent.mkdir(exist_ok=True)
        options.keep.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    return int(any(row["confirm_s"] > SECONDS or row["peak_mb"] > MEGABYTES for row in rows))


if __name__ == "__main__":
    sys.exit(main())
