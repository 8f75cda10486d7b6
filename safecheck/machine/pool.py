"""Work through many tasks in several processes. A process that dies loses no task: what it had is done again, alone.

    each(work, tasks, local(2, 8, prepare), lost) -> (task, result) pairs, as they are ready

Which processes these are is an `Engine`'s business: those of this machine here, those of a cluster in `cluster.py`.
"""

from __future__ import annotations

import multiprocessing
import signal
import sys
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, wait
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from itertools import islice
from typing import Generic, TypeVar

from safecheck.machine.child import end_with_parent

T = TypeVar("T")
R = TypeVar("R")

_AHEAD = 3
"""Shares of work that are handed out for each process: one it has, and two so that it never waits."""


@dataclass(frozen=True, slots=True)
class Engine:
    """Processes to be had."""

    workers: int
    share: int
    """Tasks that are handed to a process at a time: what it has not delivered when it dies is done again."""
    start: Callable[[], AbstractContextManager[Executor]]
    """Starts them. Left by an exception, they are ended where they are; otherwise when nothing is left to do."""


def local(workers: int, share: int, prepare: Callable[[], None]) -> Engine:
    """Processes of this machine, each of which calls `prepare` first.

    They are forks where that is safe: what this process has read, and what `prepare` holds, is there at once.
    """
    return Engine(workers, share, lambda: _processes(workers, prepare))


@contextmanager
def _processes(workers: int, prepare: Callable[[], None]) -> Iterator[Executor]:
    from concurrent.futures import ProcessPoolExecutor

    method = "fork" if sys.platform == "linux" else None
    others = set(multiprocessing.active_children())
    executor = ProcessPoolExecutor(
        workers, multiprocessing.get_context(method), initializer=_begin, initargs=(prepare,)
    )
    try:
        yield executor
    except BaseException:
        for child in set(multiprocessing.active_children()) - others:
            child.kill()
        raise
    finally:
        executor.shutdown(wait=True, cancel_futures=True)


def _begin(prepare: Callable[[], None]) -> None:
    """Ctrl-C is for the process that a person has started: it ends the others, also when it is killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    end_with_parent()
    prepare()


def each(
    work: Callable[[T], R], tasks: Iterable[T], engine: Engine, lost: Callable[[T, Exception], R]
) -> Generator[tuple[T, R]]:
    """Every task with its result, as they are ready; tasks are taken as there is room for them.

    Where a process dies, what was handed out is done again, one task at a time in a process of its own; where that
    dies too, or nothing can be sent to it or back, `lost` says what the result is. What `work` raises is not caught
    by it: `work` returns what went wrong.
    """
    desk = _Desk(work, engine.share, engine.workers * _AHEAD, iter(tasks), lost)
    while desk.has_more():
        with engine.start() as executor:
            yield from desk.served_by(executor)


@dataclass
class _Desk(Generic[T, R]):
    """What is still to be handed out, and what is with whom."""

    work: Callable[[T], R]
    share: int
    most: int
    """Shares that are handed out at a time."""
    tasks: Iterator[T]
    lost: Callable[[T, Exception], R]
    again: deque[T] = field(default_factory=deque)
    """Tasks that were handed out when a process died."""
    alone: bool = False
    """Whether what is handed out is one of these."""
    out: dict[Future[list[R]], list[T]] = field(default_factory=dict)
    next: list[T] = field(default_factory=list)
    """The share to be handed out next, taken early to know whether there is one."""

    def has_more(self) -> bool:
        """Whether anything is left that nobody works on."""
        if not self.again and not self.next:
            self.next = list(islice(self.tasks, self.share))
        return bool(self.again or self.next)

    def served_by(self, executor: Executor) -> Iterator[tuple[T, R]]:
        """Results until all is done, or until a process has died and the others have delivered what they had."""
        holds = True
        while self.out or (holds and self.has_more()):
            holds = holds and self._hand_out(executor)
            done, _ = wait(self.out, return_when=FIRST_COMPLETED)
            for future in done:
                share = self.out.pop(future)
                try:
                    results = future.result()
                except Exception as error:
                    holds = False
                    if self.alone:
                        yield share[0], self.lost(share[0], error)
                    else:
                        self.again.extend(share)
                else:
                    yield from zip(share, results, strict=True)

    def _hand_out(self, executor: Executor) -> bool:
        """Keep the processes busy; False where one has died that had nothing to do."""
        self.alone = bool(self.again)
        while len(self.out) < (1 if self.alone else self.most) and self.has_more():
            share = [self.again.popleft()] if self.alone else self.next
            try:
                self.out[executor.submit(_share, self.work, share)] = share
            except BrokenExecutor:
                self.again.extend(share if self.alone else ())
                return False
            if self.alone:
                break
            self.next = []
        return True


def _share(work: Callable[[T], R], tasks: Sequence[T]) -> list[R]:
    return [work(task) for task in tasks]
