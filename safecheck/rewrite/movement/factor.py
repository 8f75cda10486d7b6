"""Find the axes behind an index map.

An index map says for every element of a result which element of the source it is. Most maps that networks contain are
products of small ones: split the source into axes, pick or reorder indices along some of them, permute the axes. This
finds the coarsest such description, or says that there is none.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import gcd
from typing import Any

from safecheck.rewrite.movement.numbers import ZERO


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
class _Digit:
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


@dataclass(frozen=True)
class Factored:
    """An index map in terms of axes."""

    axes: tuple[Axis, ...]
    """The source as a row-major array of these axes, outermost first."""
    order: tuple[int, ...]
    """The result, outermost first: the position of a source axis, or -(n + 1) for the n-th repetition."""
    repeats: tuple[int, ...]
    """Sizes of the axes along which everything is repeated."""
    shape: tuple[int, ...]
    """The result before zeros are put among its entries."""
    spread: tuple[tuple[int, ...] | None, ...]
    """For each axis of `shape` the entry that each place takes, -1 where there are zeros; None if there are none."""


class FactorError(Exception):
    """The map is no product of maps along axes; the text says where it fails."""


def factor(numbers: Any, count: int) -> Factored:
    """Describe the map from `count` source elements to the places of `numbers` in one step.

    Raises:
        FactorError: there is no such description.
    """
    inner, spread = _inside(numbers)
    digits = digits_of(inner.reshape(-1))
    moving = sorted(((at, digit) for at, digit in enumerate(digits) if digit.unit), key=lambda entry: entry[1].unit)
    base = int(inner.reshape(-1)[0]) + sum(digit.low for _, digit in moving)
    units = _dividing([digit.unit for _, digit in moving], count)
    axes: list[Axis] = []  # innermost first
    owned: dict[int, list[int]] = {}
    smallest = units[0] if moving else count
    if smallest > 1:
        axes.append(Axis(smallest, (base % smallest,)))
    for number, (at, digit) in enumerate(moving):
        unit = units[number]
        size = (units[number + 1] if number + 1 < len(moving) else count) // unit
        start = base // unit % size
        if start + (digit.high - digit.low) // unit >= size:
            raise FactorError("it runs across the end of an axis")
        parts = _split_whole_part(digit.axis(size, start, unit))
        owned[at] = [len(axes) + len(parts) - 1 - part for part in range(len(parts))]
        axes += parts[::-1]
    order: list[int] = []
    repeats: list[int] = []
    for at in reversed(range(len(digits))):
        if at in owned:
            order += [len(axes) - 1 - position for position in owned[at]]
        else:
            repeats.append(digits[at].length)
            order.append(-len(repeats))
    return Factored(tuple(reversed(axes)), tuple(order), tuple(repeats), inner.shape, spread)


def _dividing(units: list[int], count: int) -> list[int]:
    """Units that divide one another and the number of elements: a diagonal walks one axis in place of two."""
    found: list[int] = []
    for unit in reversed(units):
        count = gcd(unit, count)
        found.append(count)
    return found[::-1]


def _inside(numbers: Any) -> tuple[Any, tuple[tuple[int, ...] | None, ...]]:
    """The entries without the zeros around and between them, and for each axis where they belong."""
    import numpy

    filled = numbers != ZERO
    if bool(filled.all()):
        return numbers, (None,) * numbers.ndim
    if not bool(filled.any()):
        raise FactorError("it is zero everywhere")
    inner = numbers
    spread: list[tuple[int, ...] | None] = []
    for axis in range(numbers.ndim):
        used = filled.any(axis=tuple(other for other in range(numbers.ndim) if other != axis))
        inner = numpy.compress(used, inner, axis)
        places = numpy.where(used, numpy.cumsum(used) - 1, -1)
        spread.append(None if bool(used.all()) else tuple(int(place) for place in places))
    if bool((inner == ZERO).any()):
        raise FactorError("it has zeros between its elements")
    return inner, tuple(spread)


def digits_of(flat: Any) -> list[_Digit]:
    """The runs of a map that look the same wherever they begin, innermost first, and as few as possible."""
    return _merged(_digits(flat))


def _digits(flat: Any) -> list[_Digit]:
    """Peel off the shortest inner runs that look the same everywhere; innermost first."""
    found = []
    rest = flat
    while len(rest) > 1:
        length = next(length for length in _divisors(len(rest)) if _repeats(rest, length))
        steps = rest[:length] - rest[0]
        stride = int(steps[1])
        even = length == 2 or bool((steps[1:] - steps[:-1] == stride).all())
        found.append(_Digit(length, stride if even else None, None if even else steps))
        rest = rest[::length]
    return found


def _divisors(number: int) -> list[int]:
    small = [part for part in range(1, int(number**0.5) + 1) if number % part == 0]
    return sorted({*small, *(number // part for part in small)} - {1})


def _repeats(flat: Any, length: int) -> bool:
    """Whether every run of this length has the steps of the first one."""
    rows = flat.reshape(-1, length)
    steps = rows[0] - rows[0, 0]
    head = rows[:16]  # most lengths fail at once
    return bool((head - head[:, :1] == steps).all()) and bool((rows - rows[:, :1] == steps).all())


def _merged(digits: list[_Digit]) -> list[_Digit]:
    """Join neighbours that together are one axis walked evenly."""
    joined: list[_Digit] = []
    for digit in digits:
        inner = joined[-1] if joined else None
        if inner is not None and inner.stride is not None and digit.stride == inner.stride * inner.length:
            joined[-1] = _Digit(inner.length * digit.length, inner.stride, None)
        else:
            joined.append(digit)
    return joined


def _split_whole_part(axis: Axis) -> list[Axis]:
    """Outer and inner axis where the inner one is taken whole, so that less is picked: channels of H x W, say."""
    if axis.index is None or axis.index[-1] - axis.index[0] != axis.length - 1:
        return [axis]
    start, taken = axis.index[0], axis.length
    if axis.index != tuple(range(start, start + taken)):
        return [axis]
    inner = gcd(axis.size, start, taken)
    if inner == 1:
        return [axis]
    return [Axis(axis.size // inner, tuple(range(start // inner, (start + taken) // inner))), Axis(inner)]
