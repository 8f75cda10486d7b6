"""The axes of a source, and how the entries of a result walk them."""

from __future__ import annotations

from dataclasses import dataclass
from math import gcd
from typing import Any


@dataclass(frozen=True)
class Axis:
    """One axis of the source."""

    size: int
    index: tuple[int, ...] | None = None
    """Which entries the result takes, in order; None for an axis that is taken as it is."""

    @property
    def length(self) -> int:
        """How many entries the result takes."""
        return self.size if self.index is None else len(self.index)


@dataclass(frozen=True)
class Digit:
    """A run of the result that looks the same wherever it begins: the steps from its first entry."""

    length: int
    stride: int | None
    """The constant step; None if the steps differ."""
    steps: Any
    """int64 of `length`, beginning with 0; None for an even run."""

    @property
    def unit(self) -> int:
        """Greatest common divisor of the steps; 0 if nothing moves."""
        if self.stride is not None:
            return abs(self.stride)
        return gcd(*(int(step) for step in self.steps))

    @property
    def low(self) -> int:
        """The lowest step, at most 0."""
        return int(self.steps.min()) if self.stride is None else min(0, self.stride * (self.length - 1))

    @property
    def high(self) -> int:
        """The highest step, at least 0."""
        return int(self.steps.max()) if self.stride is None else max(0, self.stride * (self.length - 1))

    def axis(self, size: int, start: int, unit: int) -> Axis:
        """The source axis that is walked in steps of `unit`, the lowest entry being `start`."""
        if self.stride == unit and start == 0 and self.length == size:
            return Axis(size)
        if self.stride is None:
            return Axis(size, tuple(int(entry) for entry in start + (self.steps - self.low) // unit))
        step = self.stride // unit
        first = start if step > 0 else start - step * (self.length - 1)
        return Axis(size, tuple(first + step * at for at in range(self.length)))


def digits_of(flat: Any) -> list[Digit]:
    """Peel off the shortest inner runs that look the same everywhere; innermost first."""
    found = []
    rest = flat
    while len(rest) > 1:
        length = next(length for length in divisors(len(rest)) if _repeats(rest, length))
        steps = rest[:length] - rest[0]
        stride = int(steps[1])
        even = length == 2 or bool((steps[1:] - steps[:-1] == stride).all())
        found.append(Digit(length, stride if even else None, None if even else steps))
        rest = rest[::length]
    return found


def divisors(number: int) -> list[int]:
    """What divides a number, from the smallest above 1 on."""
    small = [part for part in range(1, int(number**0.5) + 1) if number % part == 0]
    return sorted({*small, *(number // part for part in small)} - {1})


def _repeats(flat: Any, length: int) -> bool:
    """Whether every run of this length has the steps of the first one."""
    rows = flat.reshape(-1, length)
    steps = rows[0] - rows[0, 0]
    head = rows[:16]  # most lengths fail at once
    return bool((head - head[:, :1] == steps).all()) and bool((rows - rows[:, :1] == steps).all())


def merged(digits: list[Digit]) -> list[Digit]:
    """Join neighbours that together are one axis walked evenly."""
    joined: list[Digit] = []
    for digit in digits:
        inner = joined[-1] if joined else None
        if inner is not None and inner.stride is not None and digit.stride == inner.stride * inner.length:
            joined[-1] = Digit(inner.length * digit.length, inner.stride, None)
        else:
            joined.append(digit)
    return joined
