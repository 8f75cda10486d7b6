"""Work in a copy of the process: answers come back, limits and crashes are told apart, an interrupt is felt."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from safecheck.machine.fork import StoppedError, in_copy

ROOM = 256 << 20


def spin() -> None:
    while True:
        pass


def grow() -> int:
    held = []
    while True:
        held.append(bytearray(16 << 20))


def end(number: int) -> None:
    os.kill(os.getpid(), number)


def test_what_is_returned_comes_back() -> None:
    assert in_copy(lambda: list(range(5)), 10, ROOM) == [0, 1, 2, 3, 4]
    assert len(in_copy(lambda: b"x" * (50 << 20), 10, ROOM)) == 50 << 20


def test_what_is_raised_comes_back() -> None:
    with pytest.raises(ZeroDivisionError):
        in_copy(lambda: 1 // 0, 10, ROOM)


def test_nothing_changes_here_and_copies_are_not_copied() -> None:
    held = [1]
    assert in_copy(lambda: (held.append(2), in_copy(os.getpid, 10, ROOM) == os.getpid())[1], 10, ROOM)
    assert held == [1]


def test_time_is_limited_by_the_processor_time_of_the_copy() -> None:
    with pytest.raises(StoppedError, match=r"more than 0\.2 s of processor time") as stopped:
        in_copy(spin, 0.2, ROOM)
    assert stopped.value.timed_out


def test_a_part_of_a_copy_has_its_own_time() -> None:
    """Planning has minutes, but an inference of what it made no more than any other."""
    with pytest.raises(StoppedError, match="a part of it takes more processor time") as stopped:
        in_copy(lambda: in_copy(spin, 0.2, ROOM), 600, ROOM)
    assert stopped.value.timed_out


def test_a_part_of_a_copy_has_its_own_memory() -> None:
    def part() -> str:
        try:
            return str(in_copy(grow, 60, ROOM))
        except StoppedError as stopped:
            return f"{stopped}, {len(bytearray(2 * ROOM)) // ROOM} rooms afterwards"

    said = in_copy(part, 60, 16 * ROOM)
    assert said == "it takes more than 0.25 GiB of memory, 2 rooms afterwards"


def test_time_of_a_part_is_up_with_the_part() -> None:
    def parts() -> int:
        in_copy(lambda: None, 0.2, ROOM)
        until = time.process_time() + 0.5
        while time.process_time() < until:
            pass
        return 1

    assert in_copy(parts, 60, ROOM) == 1


def test_a_deadlock_ends_by_the_clock() -> None:
    with pytest.raises(StoppedError, match="processor time") as stopped:
        in_copy(lambda: time.sleep(600), 0.05, ROOM)
    assert stopped.value.timed_out


def test_memory_is_limited() -> None:
    with pytest.raises(StoppedError, match=r"more than 0\.25 GiB of memory") as stopped:
        in_copy(grow, 60, ROOM)
    assert stopped.value.filled


@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGABRT, signal.SIGKILL])
def test_a_crash_is_told_by_its_name(number: signal.Signals) -> None:
    with pytest.raises(StoppedError, match=rf"it crashed \({number.name}\)") as stopped:
        in_copy(lambda: end(number), 10, ROOM)
    assert not stopped.value.timed_out
    assert not stopped.value.filled


def test_an_interrupt_ends_both() -> None:
    code = """
from safecheck.machine.fork import in_copy
def work():
    while True: pass
print(1, flush=True)
in_copy(work, 60, 1 << 30)
"""
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    assert process.stdout is not None
    process.stdout.readline()
    time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=30)
    assert b"KeyboardInterrupt" in said
