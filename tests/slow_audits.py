"""Runs whose audits take their time, kill their process, or fail in other ways, so that they end in the middle."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import onnx
from case_files import model_from_text
from workflow_repo import ALLOWED, FORBIDDEN

PATIENCE = 120
SLOW = """
import os, sys, time
import safecheck.usecases.audit as room
import safecheck.cli.errand as errand
real = room.audit_model
def audit_model(path, book):
    with open(os.environ["AUDITED"], "a") as file:
        file.write(path + "\\n")
    time.sleep(float(os.environ.get("SECONDS", "0.05")))
    if os.environ.get("DEADLY") and os.environ["DEADLY"] in path:
        os.kill(os.getpid(), 9)
    if os.environ.get("HUNGRY") and os.environ["HUNGRY"] in path:
        raise MemoryError
    if os.environ.get("STRAY") and not os.fork():
        os.closerange(0, 3)
        time.sleep(60)
        os._exit(0)
    if os.environ.get("ODD") and os.environ["ODD"] in path:
        raise KeyError("odd")
    return real(path, book)
room.audit_model = errand.audit_model = audit_model
from safecheck.__main__ import main
sys.argv[0] = "safecheck"
main()
"""
"""The command with audits that take their time, so that it can be interrupted in the middle of them."""


def numbered(folder: Path, count: int) -> Path:
    """A new folder of models, of which no two are the same file and every third is allowed."""
    folder.mkdir()
    for number in range(count):
        model = model_from_text(FORBIDDEN if number % 3 else ALLOWED)
        model.doc_string = str(number)
        onnx.save(model, folder / f"{number:03}.onnx")
    return folder


def begun(folder: Path, *arguments: object, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", SLOW, "audit", "models", "--isolated", "--no-cache", *map(str, arguments)],
        cwd=folder, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
        env={**os.environ, "AUDITED": str(folder / "audited"), **environment},
        # What a shell starts behind itself ignores Ctrl-C, and so does all that it starts.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )  # fmt: skip


def ended(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    output, errors = process.communicate(timeout=PATIENCE)
    assert "Traceback" not in errors, errors
    return process.returncode, output, errors


def kept(folder: Path) -> int:
    """Results in the journal so far."""
    file = folder / "out.jsonl.partial"
    return max(file.read_bytes().count(b"\n") - 1, 0) if file.exists() else 0


def audited(folder: Path) -> list[str]:
    """The models that were audited, in order, by all runs in this folder."""
    return (folder / "audited").read_text().split()
