"""What the environment may not change: which protobuf reads a model."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from recipes.case import base


def test_the_slow_protobuf_is_refused(tmp_path: Path) -> None:
    """It has had holes that the other one has not (CVE-2025-4565), and parses by recursion."""
    (tmp_path / "m.onnx").write_bytes(base())
    for command in (["audit", "m.onnx"], ["fix", "m.onnx", "--dry-run"]):
        done = subprocess.run(
            [sys.executable, "-m", "safecheck", *command], cwd=tmp_path, capture_output=True, text=True, timeout=600,
            env={**os.environ, "PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION": "python"},
        )  # fmt: skip
        assert done.returncode == 2, done.stderr
        assert done.stderr.startswith("error[SC-ENV-PROTOBUF]")
        assert len(done.stderr.splitlines()) == 1
