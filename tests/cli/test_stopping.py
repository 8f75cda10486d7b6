"""Where a signal comes at a bad time: in an import, where a library throws it away, while somebody tidies up."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

HEAD = """
import os, signal, sys, time
sys.path.insert(0, {folder!r})
from safecheck.cli import run
from safecheck.cli import root
signal.signal(signal.SIGINT, signal.default_int_handler)
def now(): os.kill(os.getpid(), signal.{name})
def wait():
    for _ in range(6000): time.sleep(0.01)
    print("nobody was stopped")
def command(arguments):
{body}
root.main = command
print("code", run(["profiles"]))
"""
PLACES = {
    "in its work": ["now()", "wait()"],
    "thrown away": ["class Old:", "    def __del__(self): now()", "Old()", "wait()"],
    "made something else": ["try: now(); wait()", "except BaseException: raise ImportError('no such library')"],
    "in an import": ["import busy", "print(busy.whole)", "wait()"],
    "where a temporary folder is made": [
        "import tempfile", "make = os.mkdir", "def made(*how): make(*how); now()", "os.mkdir = made",
        "try:", "    with tempfile.TemporaryDirectory(dir=sys.path[0]): wait()",
        "finally: print(*(name for name in os.listdir(sys.path[0]) if name != 'busy.py'))",
    ],
    "while tidying up": [
        "try: now(); wait()", "finally:", "    for _ in range(30): time.sleep(0.01)", "    print('tidy')",
    ],
}  # fmt: skip
SAYS = {"in an import": "True\n", "where a temporary folder is made": "\n", "while tidying up": "tidy\n"}


@pytest.mark.parametrize(("name", "code"), [("SIGINT", "code 130\n"), ("SIGTERM", "")])
@pytest.mark.parametrize("place", PLACES)
def test_the_command_ends_there(place: str, name: str, code: str, tmp_path: Path) -> None:
    (tmp_path / "busy.py").write_text(
        f"import os, signal\nos.kill(os.getpid(), signal.{name})\nfor _ in range(1000): pass\nwhole = True\n"
    )
    body = "\n".join(f"    {line}" for line in PLACES[place])
    script = HEAD.format(folder=str(tmp_path), name=name, body=body)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=600)
    assert done.stdout == SAYS.get(place, "") + code, done.stderr
    assert done.returncode == (0 if code else 143)
    assert "Traceback" not in done.stderr.replace("Exception ignored", "", 1) or place == "thrown away"


def test_an_interrupt_that_is_switched_off_stays_so() -> None:
    """A shell starts what runs in the background with interrupts ignored."""
    body = (
        "    signal.signal(signal.SIGINT, signal.SIG_IGN); import safecheck.cli.stopping as s\n    with s.stoppable():"
    )
    script = HEAD.format(folder="", name="SIGINT", body=f"{body} now()\n    return 7")
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=600)
    assert (done.stdout, done.returncode) == ("code 7\n", 0), done.stderr
