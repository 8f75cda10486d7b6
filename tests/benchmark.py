"""A benchmark held to the limits that it states, in an interpreter of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def keeps_its_limits(file: str, *arguments: str) -> None:
    """Run a benchmark of `benchmarks/` with `--strict`: it ends well, and its last word is `ok`."""
    command = [sys.executable, ROOT / "benchmarks" / file, *arguments, "--strict"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.rstrip().endswith("ok")
