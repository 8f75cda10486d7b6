"""Bytes of a fuzzer, read as decisions: the same bytes decide the same everywhere."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")
NUMBERS = (0, 1, -1, 2, 3, 7, 255, 2**31 - 1, 2**31, 2**40, 2**62, 2**63 - 1, -(2**63))
FLOATS = (0.0, -1.0, 0.5, 1e-30, 1e30, float("inf"), float("nan"))
NAMES = ("", "x", "y", "\u0421onv", "a\0b", "\x1b[31m", "</script>", "[/b]", "x" * 5000, "\u202e")


class Choices:
    """Bytes, read as decisions; zeros when they are used up."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def number(self, below: int) -> int:
        """At least 0 and less than `below`."""
        part = self.data[self.at : self.at + 2]
        self.at += 2
        return int.from_bytes(part, "little") % below if below else 0

    def one(self, options: Sequence[T]) -> T:
        """One of a sequence that is not empty."""
        return options[self.number(len(options))]

    @property
    def left(self) -> bool:
        """Whether there is more to decide by."""
        return self.at < len(self.data)
