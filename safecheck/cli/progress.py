"""How far a long run is: on a terminal only, after a second, and gone when the result comes."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from threading import Event, Thread
from typing import TypeVar

from safecheck.text import printable

T = TypeVar("T")
_PATIENCE = 1.0
_TICK = 1.0
_CLEAR = "\r\x1b[K"


class Line:
    """The line, written past Python's streams: a process that is forked meanwhile inherits no lock of theirs."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._words = ""
        self._started = time.monotonic()
        self._is_shown = False

    def tick(self, stop: Event) -> None:
        """Show how long it has taken, again and again."""
        while not stop.wait(max(_PATIENCE, _TICK)):
            self._show()

    def tell(self, words: str) -> None:
        """Change the words; who has not waited long is shown nothing."""
        self._words = words
        if self._is_shown or time.monotonic() - self._started > _PATIENCE:
            self._show()

    def clear(self) -> None:
        """Leave nothing on the terminal."""
        if self._is_shown:
            self._write(_CLEAR)
            self._is_shown = False

    def _show(self) -> None:
        self._is_shown = True
        seconds = int(time.monotonic() - self._started)
        self._write(f"{_CLEAR}{printable(self._words, 66)}, {seconds} s")

    def _write(self, text: str) -> None:
        with suppress(OSError):
            os.write(self._descriptor, text.encode("utf-8", "replace"))


def line_for_people(is_quiet: bool = False) -> Line | None:
    """The line on standard error; None where that is no terminal, or nobody wants to be told."""
    stream = sys.stderr
    if is_quiet or stream is None or not stream.isatty() or os.environ.get("TERM") == "dumb":
        return None
    return Line(stream.fileno())


@contextmanager
def waiting(what: str, is_quiet: bool = False) -> Iterator[Callable[[str], None]]:
    """While it runs, a line on standard error says what is done and for how long; the function changes the words."""
    line = line_for_people(is_quiet)
    if line is None:
        yield lambda words: None
        return
    line.tell(what)
    stop = Event()
    ticker = Thread(target=line.tick, args=(stop,), daemon=True)
    ticker.start()
    try:
        yield line.tell
    finally:
        stop.set()
        ticker.join()
        line.clear()


def progress(results: Iterable[T], names: Sequence[str], is_quiet: bool = False) -> Iterator[T]:
    """The results as they come; while one is waited for, a line on standard error says which of `names` it is."""
    coming = iter(results)
    first = f"0 of {len(names)} done, now {names[0]}" if names else ""
    with waiting(first, is_quiet) as tell:
        for number, name in enumerate(names):
            tell(f"{number} of {len(names)} done, now {name}")
            yield next(coming)


def counted(results: Iterable[T], unit: str, total: int | None = None) -> Iterator[T]:
    """The results as they come; while one is waited for, a line on standard error says how many there are."""
    of = "" if total is None else f" of {total}"
    with waiting(f"0{of} {unit} done") as tell:
        for number, result in enumerate(results, 1):
            yield result
            tell(f"{number}{of} {unit} done")
