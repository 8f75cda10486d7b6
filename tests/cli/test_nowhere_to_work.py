"""A machine without a folder for temporary files, as a read-only container has none: that is said, and is no bug."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"
NOWHERE = """
import sys, tempfile
tempfile._candidate_tempdir_list = lambda: ["/nowhere"]
from safecheck.cli import run
sys.exit(run(sys.argv[1:]))
"""


@pytest.mark.parametrize(
    "arguments",
    [
        ("fix", "csa-block-refused.onnx", "--dry-run"),
        ("compare", "csa-block.onnx", "cvt-block.onnx"),
        ("selftest",),
        ("audit", "-"),
    ],
    ids=lambda arguments: arguments[0],
)
def test_no_folder_for_temporary_files_is_one_line(arguments: tuple[str, ...]) -> None:
    command = [sys.executable, "-c", NOWHERE, *arguments]
    model = (EXAMPLES / "csa-block.onnx").read_bytes()
    done = subprocess.run(command, input=model, capture_output=True, cwd=EXAMPLES, timeout=600)
    assert done.returncode == 2
    said = [line for line in done.stderr.decode().splitlines() if not line.startswith("warning")]
    assert len(said) == 1
    assert said[0].startswith("error[SC-ENV-DISK]: ")
    assert "No usable temporary directory" in said[0]
    assert "set TMPDIR" in said[0]
