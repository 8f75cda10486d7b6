"""Ctrl-C and SIGTERM in the middle of a command: its exit code, and nothing is left of it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import onnx
import psutil
import pytest
from case_files import model_from_text
from workflow_repo import FORBIDDEN

HELD = """
import os, sys, time
import safecheck.ir.model as room
def load(*_, **__):
    open(os.environ["HELD"], "w").close()
    while True:
        time.sleep(0.01)
room.load = load
from safecheck.__main__ import entry
sys.argv[0] = "safecheck"
entry()
"""
"""The command, which does not come to an end of its own where it has read a model."""
COMMANDS = {
    "audit": ["audit", "m.onnx", "--output", "json=out.json"],
    "page": ["audit", "m.onnx", "--output", "html=out.html", "--output", "sarif=out.sarif"],
    "folder": ["audit", ".", "--jobs", "2", "--output", "json=out.json"],
    "release": ["audit", "m.onnx", "--release"],
    "hook": ["hook", "--", "m.onnx"],
    "attest": ["attest", "m.onnx", "--output", "intoto=out.json"],
    "graph": ["graph", "m.onnx", "-o", "out.dot"],
    "build": ["build", "m.onnx", "--plan"],
}
_PATIENCE = 300
"""Seconds by the clock after which something is wrong, however busy the machine is."""


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] * (name != "folder")) for name in COMMANDS]
)
def test_it_ends_and_leaves_nothing(name: str, number: int, code: int, tmp_path: Path) -> None:
    work, temporary = tmp_path / "work", tmp_path / "temporary"
    work.mkdir()
    temporary.mkdir()
    for file in ("m.onnx", "n.onnx"):
        onnx.save(model_from_text(FORBIDDEN), work / file)
    held = tmp_path / "held"
    environment = {
        **os.environ,
        "TMPDIR": str(temporary),
        "HELD": str(held),
        "SAFECHECK_CACHE_DIR": str(tmp_path / "c"),
    }
    run = subprocess.Popen(
        [sys.executable, "-c", HELD, *COMMANDS[name]], cwd=work, env=environment, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        # a shell starts what runs in the background with interrupts ignored
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )  # fmt: skip
    until = time.monotonic() + _PATIENCE
    while not held.exists():
        assert run.poll() is None, run.communicate()
        assert time.monotonic() < until
        time.sleep(0.01)
    process = psutil.Process(run.pid)
    others, before = process.children(recursive=True), sum(process.cpu_times())
    run.send_signal(number)
    while process.status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < until
        assert sum(process.cpu_times()) - before < 1
        time.sleep(0.01)
    output, errors = run.communicate()
    assert (run.returncode, output) == (code, ""), errors
    assert errors.count("\n") <= 1
    assert not psutil.wait_procs(others, timeout=_PATIENCE)[1]
    assert {file.name for file in work.iterdir()} == {"m.onnx", "n.onnx"}
    assert list(temporary.iterdir()) == []
