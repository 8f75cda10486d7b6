"""One run of native code that cannot be interrupted, in a process that may end with it."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager

from safecheck.limits import limit

SIGNAL = signal.SIGPROF
"""Ends the process when a run takes longer. It counts processor time: how busy the machine is decides nothing."""
_may_end = False


def let_end() -> None:
    """Let this process, which somebody watches, end with a run that takes too long."""
    global _may_end
    signal.signal(SIGNAL, signal.SIG_DFL)
    _may_end = True


@contextmanager
def single_run() -> Iterator[None]:
    """What is done inside ends within the limit, or with this process, if that may end."""
    if not _may_end:
        yield
        return
    signal.setitimer(signal.ITIMER_PROF, limit("run"))
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
