from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


@pytest.mark.slow
def test_memory_does_not_grow_with_the_images() -> None:
    """CSA-tiny at full size on a few images; all 500 take a minute and a half (`benchmarks/README.md`)."""
    command = [sys.executable, ROOT / "benchmarks" / "calibration_memory.py", "--count", "40", "--strict"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.rstrip().endswith("ok")
