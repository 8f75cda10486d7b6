"""Audit several models beside each other, each in one of several processes, and no model in the way of the others."""

from __future__ import annotations

import gc
import os
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import fields
from functools import partial
from itertools import count
from typing import Any

from safecheck.audit.report import Report
from safecheck.errors import InputError, SafecheckError, UsageError
from safecheck.machine.pool import Engine, each, local
from safecheck.rulebook.load import profile
from safecheck.rulebook.profile import Profile
from safecheck.text import printable

Task = tuple[str, str]
"""Path and profile of a model."""
_SHARE = 8
"""Models that a process gets at a time, where there are many."""
_TIDIED = 32
"""Models after which memory is given back."""
_audited = count(1)
_BOOKS: dict[str, Profile] = {}
"""The profiles of a run, in a process that works for it."""


class BugError(SafecheckError):
    """A failure of safecheck about one model of several; the others are audited."""

    exit_code = 4


def engine(jobs: int, models: int, books: Mapping[str, Profile], address: str = "") -> AbstractContextManager[Engine]:
    """So many processes of this machine that know these profiles, or those of a cluster, for a run of so many models.

    Raises:
        UsageError: the cluster cannot be used.
    """
    share = max(1, min(_SHARE, models // (jobs * _SHARE)))
    if address:
        from safecheck.machine.cluster import cluster  # an extra

        return cluster(address, share)
    return nullcontext(local(jobs, share, partial(learn, books)))


def learn(books: Mapping[str, Profile]) -> None:
    """Work for a run with these profiles: what is there now, `tidy` does not look at any more."""
    _BOOKS.clear()
    _BOOKS.update(books)
    gc.freeze()


def tidy() -> None:
    """Called after each model, give back the memory of some at a time: a run of one model never collects cycles."""
    if not next(_audited) % _TIDIED:
        gc.collect()


def book(name: str, sha256: str = "", folder: str = "") -> Profile:
    """A profile of the run that this process works for, read where this process does not have it.

    Its file is named relative to `folder`, and its content has to be what the run was started with.

    Raises:
        UsageError: it is not.
    """
    known = _BOOKS.get(name)
    if known is None or (sha256 and known.sha256 != sha256):
        known = profile(os.path.join(folder, name) if os.path.isfile(os.path.join(folder, name)) else name)
        if known.sha256 != sha256:
            what = "the cluster has other rules than this machine"
            raise UsageError("SC-ENV-CLUSTER", printable(name), what, "install the same safecheck and profile on both")
        _BOOKS[name] = known
    return known


def contained(path: str, known: Profile, audited: Callable[[], Report]) -> Report:
    """The report, or one that says that safecheck failed: a fault met in one model does not stop the others."""
    try:
        return audited()
    except MemoryError:
        raise  # the machine's fault: it is tried again with nothing beside it
    except SafecheckError as error:
        return Report(path, known, None, None, error)
    except Exception as error:
        frame = traceback.extract_tb(error.__traceback__)[-1]
        what = f"safecheck failed: {type(error).__name__} in {frame.name}, line {frame.lineno}"
        todo = "audit this model alone for a report to send to us"
        return Report(path, known, None, None, BugError("SC-BUG", _name(path), what, todo))


def died(path: str, known: Profile) -> Report:
    """The report on a model whose process died twice; an error, never a pass."""
    what, todo = "the process that audits it dies", "audit it alone, with more memory or --jobs 1"
    return Report(path, known, None, None, InputError("SC-ENV-WORKER", _name(path), what, todo))


def _name(path: str) -> str:
    return "standard input" if path == "-" else printable(path)


def reports(tasks: Sequence[Task], jobs: int, audited: Callable[[str, Profile], Report]) -> Iterator[Report]:
    """One report per task, in order. `audited` is sent to the processes; none of the tasks is standard input."""
    books = {name: profile(name) for name in dict.fromkeys(name for _, name in tasks)}
    waiting: dict[int, Report] = {}
    due = 0

    def lost(task: tuple[int, Task], _: Exception) -> dict[str, Any]:
        path, name = task[1]
        return _parts(died(path, books[name]))

    work = partial(_sent, audited)
    with (
        engine(jobs, len(tasks), books) as processes,
        closing(each(work, enumerate(tasks), processes, lost)) as results,
    ):
        for (number, (_, name)), parts in results:
            waiting[number] = Report(profile=books[name], **parts)
            while due in waiting:
                yield waiting.pop(due)
                due += 1


def _sent(audited: Callable[[str, Profile], Report], task: tuple[int, Task]) -> dict[str, Any]:
    path, name = task[1]
    return _parts(contained(path, book(name), lambda: audited(path, book(name))))


def _parts(report: Report) -> dict[str, Any]:
    """A report as it is sent: without the profile, which both sides know and which is most of it."""
    return {part.name: getattr(report, part.name) for part in fields(report) if part.name != "profile"}
