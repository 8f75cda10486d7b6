"""How far a run over many models is, how fast, and how long it will take: on a terminal only, and gone at its end."""

from __future__ import annotations

import os
import sys
import time
from types import TracebackType
from typing import Self

_PATIENCE = 1.0
"""Seconds that nobody needs to be told anything."""
_PAUSE = 0.2
"""Seconds between two drawings."""
_WIDTH = 24
_CLEAR = "\r\x1b[K"


class Bar:
    """The bar of one run on standard error. Use it in a `with` statement."""

    def __init__(self, models: int, is_quiet: bool = False) -> None:
        stream = sys.stderr
        is_for_people = not is_quiet and stream is not None and stream.isatty() and os.environ.get("TERM") != "dumb"
        self._stream = stream if is_for_people else None
        self._models = models
        self._begun = time.monotonic()
        self._due = self._begun + _PATIENCE
        self._is_drawn = False
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
        if self._stream is None or now < self._due:
            return
        self._due = now + _PAUSE
        rate = self._worked / max(now - self._begun, 1e-9)
        filled = _WIDTH * done // self._models
        left = _duration((self._models - done) / rate)
        bar = f"[{'#' * filled}{'-' * (_WIDTH - filled)}]"
        self._stream.write(f"{_CLEAR}{bar} {done} of {self._models} models, {rate:.3g} a second, {left} left")
        self._stream.flush()
        self._is_drawn = True

    def clear(self) -> None:
        """Make room for a line."""
        if self._stream is not None and self._is_drawn:
            self._stream.write(_CLEAR)
            self._stream.flush()
            self._is_drawn = False


def _duration(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
