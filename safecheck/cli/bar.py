"""How far a run over many models is, how fast, and how long it will take: on a terminal only, and gone at its end."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Self

from safecheck.cli.progress import Line, line_for_people

_PAUSE = 0.2
"""Seconds between two drawings."""
_WIDTH = 10


class Bar:
    """The bar of one run on standard error. Use it in a `with` statement."""

    def __init__(self, models: int, is_quiet: bool = False) -> None:
        self._line: Line | None = line_for_people(is_quiet)
        self._models = models
        self._begun = self._drawn = time.monotonic()
        self._worked = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.clear()

    def step(self, done: int) -> None:
        """One more model was worked out, and so many are there now, with those that earlier runs have kept."""
        self._worked += 1
        now = time.monotonic()
        if self._line is None or now < self._drawn + _PAUSE:
            return
        self._drawn = now
        rate = self._worked / max(now - self._begun, 1e-9)
        filled = _WIDTH * done // self._models
        left = _duration((self._models - done) / rate)
        bar = f"[{'#' * filled}{'-' * (_WIDTH - filled)}]"
        self._line.tell(f"{bar} {done} of {self._models} models, {rate:.3g} a second, {left} left")

    def clear(self) -> None:
        """Make room for a line."""
        if self._line is not None:
            self._line.clear()


def _duration(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
