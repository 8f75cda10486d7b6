"""Work in a process of its own, with limits of time and memory: it runs what a model says, in native code."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safecheck.errors import InputError
from safecheck.limits import limit, limit_bytes, raised, way_out
from safecheck.machine.folder import sweep
from safecheck.machine.process import Limits
from safecheck.machine.remote import LostCall, call
from safecheck.machine.single_run import SIGNAL
from safecheck.text import printable

SECONDS = 3600.0
SHARE = 0.8
"""Of the memory of the machine, or of the container: beyond that, others would be ended first."""
_ANSWER = 1 << 30
"""Bytes of a result, which holds reports and no weights."""


@dataclass(frozen=True, slots=True)
class Budget:
    """What one run may use."""

    seconds: float = SECONDS
    memory: int | None = None
    """Bytes, without files that are mapped; None for `memory_to_spare`."""
    doing: str = "fixing it"
    lost: str = "nothing was written"
    measures: bool = False
    """Whether it measures time, so that nothing may slow it down."""


def budget(doing: str, lost: str, besides: float = 0.0) -> Budget:
    """What a command may use that has no options of its own for it; `besides` are seconds that others work for it."""
    return Budget(max(SECONDS, limit("time")) + besides, None, doing, lost)


def within(
    budget: Budget, path: str, target: str | None, function: str, *arguments: Any,
    tell: Callable[..., object] | None = None,
) -> Any:  # fmt: skip
    """Call a function, `module:name`, that works on the model at `path` and writes to `target`.

    It is stopped where it exceeds the budget; nothing is written then, and nothing is left. How far it is goes to
    `tell`, which it then gets as its last argument.

    Raises:
        InputError: SC-LIM-TIME, SC-LIM-RUN, SC-LIM-MEMORY or SC-FIX-CRASH.
        Exception: what the function raises.
    """
    memory = memory_to_spare() if budget.memory is None else budget.memory
    try:
        most = Limits(budget.seconds, _ANSWER, resident=memory)
        return call(function, *arguments, limits=most, tell=tell, frugal=not budget.measures)
    except LostCall as lost:
        raise _stopped(lost, printable(path), memory, budget) from lost
    except MemoryError as error:
        raise _too_large(printable(path), memory, budget) from error
    finally:
        sweep()
        if target is not None:
            sweep(os.path.dirname(os.path.abspath(target)))


def memory_to_spare() -> int | None:
    """The bytes of `--limit-memory`, else `SHARE` of what this process can have; None where the system is silent."""
    if "memory" in raised():
        return limit_bytes("memory")
    found = []
    with suppress(OSError, ValueError):
        found.append(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    for file in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        with suppress(OSError, ValueError):  # a container without a limit says `max`
            found.append(int(Path(file).read_text()))
    return int(SHARE * min(found)) if found else None


def _stopped(lost: LostCall, path: str, memory: int | None, budget: Budget) -> InputError:
    if lost.run.timed_out:
        what = f"{budget.doing} took longer than {lost.run.limits.seconds:g} s"
        return InputError("SC-LIM-TIME", path, what, f"{budget.lost}; give it more with --limit-time SECONDS")
    if lost.run.filled:
        return _too_large(path, memory, budget)
    if lost.run.code == -SIGNAL:
        what = f"one run of the network, or of a part of it, took longer than {limit('run'):g} s of processor time"
        return InputError("SC-LIM-RUN", path, what, f"{budget.lost}; {way_out('run')} SECONDS")
    todo = f"{budget.lost}; leave rewrites out of safecheck fix with --ignore, and report it"
    return InputError("SC-FIX-CRASH", path, f"{budget.doing} failed: {lost}", todo)


def _too_large(path: str, memory: int | None, budget: Budget) -> InputError:
    room = "there is" if memory is None else f"{memory / 2**30:.3g} GiB"
    what = f"{budget.doing} takes more memory than {room}"
    return InputError("SC-LIM-MEMORY", path, what, f"{budget.lost}; give it more with --limit-memory GIB")
