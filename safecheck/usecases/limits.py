"""Rewriting in a process of its own, with limits of time and memory: it runs what a model says, in native code."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safecheck.errors import InputError
from safecheck.limits import limit, way_out
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
    """Bytes, without files that are mapped; None for `SHARE` of what there is."""


def within(budget: Budget, path: str, target: str | None, function: str, *arguments: Any) -> Any:
    """Call a function, `module:name`, that fixes the model at `path` and writes to `target`.

    It is stopped where it exceeds the budget; nothing is written then, and nothing is left.

    Raises:
        InputError: SC-LIM-TIME, SC-LIM-RUN, SC-LIM-MEMORY or SC-FIX-CRASH.
        Exception: what the function raises.
    """
    memory = _most() if budget.memory is None else budget.memory
    try:
        return call(function, *arguments, limits=Limits(budget.seconds, _ANSWER, resident=memory))
    except LostCall as lost:
        raise _stopped(lost, printable(path), memory) from lost
    except MemoryError as error:
        raise _too_large(printable(path), memory) from error
    finally:
        sweep(None if target is None else os.path.dirname(os.path.abspath(target)))


def _most() -> int | None:
    """`SHARE` of the bytes of memory that this process can have; None where the system does not say."""
    found = []
    with suppress(OSError, ValueError):
        found.append(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    for file in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        with suppress(OSError, ValueError):  # a container without a limit says `max`
            found.append(int(Path(file).read_text()))
    return int(SHARE * min(found)) if found else None


def _stopped(lost: LostCall, path: str, memory: int | None) -> InputError:
    if lost.run.timed_out:
        what = f"fixing it took longer than {lost.run.limits.seconds:g} s"
        return InputError("SC-LIM-TIME", path, what, "nothing was written; give it more with --limit-time SECONDS")
    if lost.run.filled:
        return _too_large(path, memory)
    if lost.run.code == -SIGNAL:
        what = f"one run of the network, or of a part of it, took longer than {limit('run'):g} s of processor time"
        return InputError("SC-LIM-RUN", path, what, f"nothing was written; {way_out('run')} SECONDS")
    todo = "nothing was written; leave rewrites out with --ignore, and report it"
    return InputError("SC-FIX-CRASH", path, f"fixing it failed: {lost}", todo)


def _too_large(path: str, memory: int | None) -> InputError:
    room = "there is" if memory is None else f"{memory / 2**30:.3g} GiB"
    what = f"fixing it takes more memory than {room}"
    return InputError("SC-LIM-MEMORY", path, what, "nothing was written; give it more with --limit-memory GIB")
