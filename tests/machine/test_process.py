"""The runner of untrusted programs, with real programs that leave something behind, however they end."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from safecheck.errors import BuildError
from safecheck.machine import process
from safecheck.machine.process import Limits, Run, run

WAYS = {
    "child": "subprocess.Popen(['sleep', '1000'])",
    "child in a session of its own": "subprocess.Popen(['sleep', '1000'], start_new_session=True)",
    "orphan in a session of its own": "subprocess.run([sys.executable, '-c', "
    '\'import subprocess; print(subprocess.Popen(["sleep", "1000"], start_new_session=True).pid)\'])',
}
"""How a program comes by a process that outlives it."""
ENDS = {
    "end": ("", 0, False, False),
    "failure": ("sys.exit(3)", 3, False, False),
    "crash": ("os.kill(os.getpid(), signal.SIGSEGV)", -signal.SIGSEGV, False, False),
    "timeout": ("time.sleep(1000)", -signal.SIGKILL, True, False),
    "flood": ("while True: os.write(1, b'x' * 4096)", -signal.SIGKILL, False, True),
}
"""How it ends, and what is told of that: exit code, whether its time or its room ran out."""


def program(way: str, end: str) -> list[str]:
    """What it writes begins with the number of what it leaves behind; an orphan has told it by itself."""
    code = f"""
import os, signal, subprocess, sys, time
left = {way}
print(getattr(left, "pid", ""), flush=True)
{end}
"""
    return [sys.executable, "-c", code]


def lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.fixture
def left() -> Iterator[list[int]]:
    """Numbers of processes; those that a failed test leaves behind are ended."""
    found: list[int] = []
    yield found
    for pid in found:
        if lives(pid):
            os.kill(pid, signal.SIGKILL)


def ended(pid: int) -> bool:
    """Whether a process that was sent its end has come to it."""
    for _ in range(1000):
        if not lives(pid):
            return True
        time.sleep(0.01)
    return False


class Clock(io.BytesIO):
    """Output; as soon as a number stands in it, the time of the runner is over."""

    def monotonic(self) -> float:
        return 1e9 if self.getvalue().split() else 0.0

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("way", WAYS)
def test_nothing_outlives_a_program(way: str, end: str, left: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    action, code, timed_out, flooded = ENDS[end]
    output = Clock()
    if end == "timeout":
        monkeypatch.setattr(process, "time", output)
    done = run(program(WAYS[way], action), output, Limits(1e6, output=1 << 16))
    left.append(int(output.getvalue().split()[0]))
    assert (done.code, done.timed_out, done.flooded) == (code, timed_out, flooded)
    assert ended(left[0])


def test_an_interrupt_ends_what_runs(tmp_path: Path, left: list[int]) -> None:
    told = tmp_path / "told"
    command = program(WAYS["orphan in a session of its own"], "time.sleep(1000)")
    # where the tests run in the background, interrupts are ignored by everything that they start
    code = f"""
import signal
from safecheck.machine.process import Limits, run
signal.signal(signal.SIGINT, signal.default_int_handler)
with open({str(told)!r}, "wb", buffering=0) as output:
    run({command!r}, output, Limits(1000.0))
"""
    caller = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE, text=True)
    for _ in range(6000):
        if told.is_file() and told.read_text().split():
            break
        time.sleep(0.01)
    left.append(int(told.read_text().split()[0]))
    assert lives(left[0])
    caller.send_signal(signal.SIGINT)
    assert "KeyboardInterrupt" in caller.communicate(timeout=600)[1]
    assert ended(left[0])


def test_what_others_run_goes_on(left: list[int]) -> None:
    other = subprocess.Popen(["sleep", "1000"], start_new_session=True)
    left.append(other.pid)
    assert run([sys.executable, "-c", ""], io.BytesIO(), Limits(60.0)).code == 0
    assert other.poll() is None
    other.kill()
    other.wait()


def test_a_program_that_runs_a_runner_ends_what_both_left(left: list[int]) -> None:
    inner = program(WAYS["orphan in a session of its own"], "")
    # the runner in between is killed before it can clean up
    code = f"""
import io, os, signal, sys
from safecheck.machine import process
process._end_strays = lambda mark: os.kill(os.getpid(), signal.SIGKILL)
process.run({inner!r}, open(1, "wb", buffering=0), process.Limits(60.0))
"""
    output = io.BytesIO()
    assert run([sys.executable, "-c", code], output, Limits(60.0)).code == -signal.SIGKILL
    left.append(int(output.getvalue().split()[0]))
    assert ended(left[0])


@pytest.mark.parametrize(("size", "flooded"), [(4096, False), (4097, True)])
def test_output_is_kept_up_to_its_limit(size: int, flooded: bool) -> None:
    output = io.BytesIO()
    done = run([sys.executable, "-c", f"import os; os.write(1, b'x' * {size})"], output, Limits(60.0, output=4096))
    assert (done.flooded, len(output.getvalue())) == (flooded, 4096)
    assert bool(done.failure) is flooded


def test_memory_is_limited() -> None:
    code = """
import resource
while resource.getrlimit(resource.RLIMIT_AS)[0] == resource.RLIM_INFINITY:  # it is set from outside
    pass
print(len(bytearray(1 << 30)))
"""
    output = io.BytesIO()
    assert run([sys.executable, "-c", code], output, Limits(60.0, memory=512 << 20)).code == 1
    assert b"MemoryError" in output.getvalue()
    assert run([sys.executable, "-c", code], output, Limits(60.0, memory=4 << 30)).code == 0


def test_what_it_is_given_and_what_is_left_out_of_its_output() -> None:
    code = "import sys; sys.stderr.write('errors '); sys.stderr.flush(); print(len(sys.stdin.buffer.read()))"
    for errors, said in ((True, b"errors 1000000\n"), (False, b"1000000\n")):
        output = io.BytesIO()
        assert run([sys.executable, "-c", code], output, Limits(60.0), b"x" * 1_000_000, errors=errors).code == 0
        assert output.getvalue() == said


def test_the_time_counts_for_a_program_that_does_not_listen() -> None:
    done = run(["sleep", "1000"], io.BytesIO(), Limits(1.0), b"x" * (1 << 20))
    assert done.timed_out


@pytest.mark.parametrize(
    ("code", "timed_out", "flooded", "words"),
    [
        (0, False, False, ""),
        (3, False, False, "it ended with code 3"),
        (-signal.SIGSEGV, False, False, "it crashed (Segmentation fault)"),
        (-signal.SIGKILL, True, False, "it did not answer within 1.5 s"),
        (-signal.SIGKILL, False, True, "it wrote more than 2 MB"),
    ],
)
def test_a_failure_is_told_in_words(code: int, timed_out: bool, flooded: bool, words: str) -> None:
    assert Run(code, 1.0, Limits(1.5, output=2 << 20), timed_out, flooded).failure == words


def test_what_cannot_be_started_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="it cannot be started: No such file or directory"):
        run([str(tmp_path / "nothing")], io.BytesIO(), Limits(60.0))
