"""Ctrl-C and SIGTERM in the middle of a command: its exit code, and nothing is left of it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import onnx
import psutil
import pytest
from case_files import model_from_text
from slow_network import slow
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
LASTING = {
    "quantize": ["quantize", "slow.onnx", "--images", "images", "-o", "q.onnx", "--output", "json=q.json"],
    "evidence": ["evidence", "m.onnx", "-o", "b.zip", "--run-facts", "f.json"],
    "zoo": ["zoo", "export", "csa-tiny", "-o", "z.onnx"],
}
"""Commands that work for seconds by themselves, in another process or in a folder for temporary files."""
NEEDS = {"evidence": "cyclonedx", "zoo": "torch"}
_PATIENCE = 300
"""Seconds by the clock after which something is wrong, however busy the machine is."""


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] * (name != "folder")) for name in COMMANDS]
)
def test_it_ends_and_leaves_nothing(name: str, number: int, code: int, tmp_path: Path) -> None:
    held = tmp_path / "held"
    stopped([sys.executable, "-c", HELD, *COMMANDS[name]], number, code, tmp_path, lambda _: held.exists())


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("name", LASTING)
def test_one_that_works_elsewhere_ends_and_leaves_nothing(name: str, number: int, code: int, tmp_path: Path) -> None:
    pytest.importorskip(NEEDS.get(name, "numpy"))
    temporary = tmp_path / "temporary"

    def works(run: psutil.Process) -> bool:
        return any(temporary.iterdir()) if name != "zoo" else bool(run.children())

    stopped([sys.executable, "-m", "safecheck", *LASTING[name]], number, code, tmp_path, works)


def stopped(
    command: list[str], number: int, code: int, tmp_path: Path, works: Callable[[psutil.Process], bool]
) -> None:
    """Run a command until it works, send the signal, and look at what is left of it."""
    work, temporary = tmp_path / "work", tmp_path / "temporary"
    work.mkdir()
    temporary.mkdir()
    for file in ("m.onnx", "n.onnx"):
        onnx.save(model_from_text(FORBIDDEN), work / file)
    slow(work)
    before = {file.name for file in work.iterdir()}
    environment = {
        **os.environ,
        "TMPDIR": str(temporary),
        "HELD": str(tmp_path / "held"),
        "SAFECHECK_CACHE_DIR": str(tmp_path / "c"),
    }
    run = subprocess.Popen(
        command, cwd=work, env=environment, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        # a shell starts what runs in the background with interrupts ignored
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )  # fmt: skip
    until = time.monotonic() + _PATIENCE
    process = psutil.Process(run.pid)
    while not works(process):
        assert run.poll() is None, run.communicate()
        assert time.monotonic() < until
        time.sleep(0.01)
    others, used = process.children(recursive=True), sum(process.cpu_times()[:2])
    run.send_signal(number)
    while process.status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < until
        assert sum(process.cpu_times()[:2]) - used < 1
        time.sleep(0.01)
    output, errors = run.communicate()
    assert (run.returncode, output) == (code, ""), errors
    assert errors.count("\n") <= 1
    assert not psutil.wait_procs(others, timeout=_PATIENCE)[1]
    assert {file.name for file in work.iterdir()} == before
    assert list(temporary.iterdir()) == []
