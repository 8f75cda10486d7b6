"""Plan rewrites in a limited copy of this process: what hangs, crashes or fills memory there costs only the plan."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from safecheck.errors import InputError
from safecheck.limits import limit, way_out
from safecheck.machine.fork import StoppedError, in_copy
from safecheck.text import printable
from safecheck.usecases.limits import memory_to_spare

T = TypeVar("T")
SECONDS = 600.0
"""Of processor time; no published network that was asked comes near it."""
_ANY = 1 << 60


class LostPlanError(InputError):
    """Planning that reached a limit, or crashed; what the audit says stands."""


def limited(work: Callable[[], T], path: str) -> T:
    """What a function returns that plans rewrites of the model at `path`.

    Raises:
        LostPlanError: SC-LIM-TIME, SC-LIM-MEMORY or SC-FIX-CRASH.
        Exception: what the function raises.
    """
    try:
        return in_copy(work, max(SECONDS, limit("time")), memory_to_spare() or _ANY)
    except StoppedError as stopped:
        what = f"planning its rewrites was stopped: {stopped}"
        for code, name, hit in (("TIME", "time", stopped.timed_out), ("MEMORY", "memory", stopped.filled)):
            if hit:
                raise LostPlanError(f"SC-LIM-{code}", printable(path), what, way_out(name)) from stopped
        todo = "safecheck fix works without a plan, in a process of its own"
        raise LostPlanError("SC-FIX-CRASH", printable(path), what, todo) from stopped
