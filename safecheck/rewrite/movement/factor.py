"""Find the axes behind an index map.

An index map says for every element of a result which element of the source it is. Most maps that networks contain are
products of small ones: split the source into axes, pick or reorder indices along some of them, permute the axes. This
finds the coarsest such description, or says that there is none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from math import gcd
from typing import Any

from safecheck.rewrite.movement.axis import Axis, digits_of, divisors, merged
from safecheck.rewrite.movement.numbers import ZERO


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


def stages(numbers: Any, count: int) -> tuple[Factored, ...]:
    """Describe the map from `count` source elements to the places of `numbers`, in one step or in two.

    Two are needed where entries are reordered along an axis that is cut in pieces: a cyclic shift before a window
    partition, or behind the reverse of one. Seen from the source (or the result) such a map is a product again, and
    what is left before or after the reordering moves whole axes only. Of several descriptions the one that picks from
    the fewest entries is taken.

    Raises:
        FactorError: there is no such description.
    """
    # Networks repeat their blocks, and an arrangement is asked for several times: a hash costs a tenth of an answer.
    key = sha256(numbers.tobytes()).digest(), numbers.shape, str(numbers.dtype), count
    known = _answers.get(key)
    if known is None:
        if len(_answers) >= _KEPT:
            _answers.clear()
        try:
            known = _stages(numbers, count)
        except FactorError as failure:
            known = str(failure)
        _answers[key] = known
    if isinstance(known, str):
        raise FactorError(known)
    return known


_KEPT = 4096
"""Answers that are kept; none is larger than its axes."""
_answers: dict[tuple[object, ...], tuple[Factored, ...] | str] = {}


def _stages(numbers: Any, count: int) -> tuple[Factored, ...]:
    import numpy

    found: list[tuple[Factored, ...]] = []
    reasons: list[FactorError] = []
    for describe in (_at_once, _reordered_first, _reordered_last):
        try:
            found.append(describe(numbers, count))
        except FactorError as failure:
            reasons.append(failure)
        if found and not _picked(found[0]):
            break
        if numbers.size != count or bool((numpy.bincount(numbers.reshape(-1).clip(0), minlength=count) != 1).any()):
            break  # only where every element is taken once
    if not found:
        raise reasons[-1]
    return min(found, key=_picked)


def _picked(program: Sequence[Factored]) -> int:
    """How many zeros and ones would pick the entries, were each axis picked by a matrix of its own."""
    return sum(axis.size * axis.length for part in program for axis in part.axes if axis.index is not None)


def _at_once(numbers: Any, count: int) -> tuple[Factored, ...]:
    return (factor(numbers, count),)


def _reordered_first(numbers: Any, count: int) -> tuple[Factored, ...]:
    import numpy

    flat = numbers.reshape(-1)
    places = numpy.argsort(flat)
    orders = _orders(places)
    reordered = _taken(numpy.arange(count), orders)
    now = numpy.empty(count, numpy.int64)
    now[reordered] = numpy.arange(count)
    return _reordering(orders), factor(now[flat].reshape(numbers.shape), count)


def _reordered_last(numbers: Any, count: int) -> tuple[Factored, ...]:
    import numpy

    flat = numbers.reshape(-1)
    orders = _orders(flat)
    back = [order if isinstance(order, int) else numpy.argsort(order) for order in orders]
    return factor(_taken(flat, orders), count), _reordering(back)


def _orders(flat: Any) -> list[Any]:
    """The axes of a permutation, outermost first: their sizes, or the order that sorts those that are not even."""
    import numpy

    digits = merged(digits_of(flat))[::-1]
    return [digit.length if digit.stride else numpy.argsort(digit.steps) for digit in digits]


def _taken(flat: Any, orders: list[Any]) -> Any:
    """Elements with their axes reordered, flat again."""
    import numpy

    result = flat.reshape([order if isinstance(order, int) else len(order) for order in orders])
    for position, order in enumerate(orders):
        if not isinstance(order, int):
            result = numpy.take(result, order, position)
    return result.reshape(-1)


def _reordering(orders: list[Any]) -> Factored:
    axes = tuple(
        Axis(order) if isinstance(order, int) else Axis(len(order), tuple(int(entry) for entry in order))
        for order in orders
    )
    shape = tuple(axis.size for axis in axes)
    return Factored(axes, tuple(range(len(axes))), (), shape, (None,) * len(axes))


def factor(numbers: Any, count: int) -> Factored:
    """Describe the map from `count` source elements to the places of `numbers` in one step.

    Raises:
        FactorError: there is no such description.
    """
    inner, spread = _inside(numbers)
    digits = merged(digits_of(inner.reshape(-1)))
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
    numbers = numbers.reshape(_finer(filled))
    filled = numbers != ZERO
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


def _finer(filled: Any) -> list[int]:
    """Sizes of axes on which the same elements lie, so that zeros come along as short ones as possible.

    Where the zeros along an axis repeat, and come in runs of equal length, it is three axes: how often they repeat, the
    pattern, and the run.
    """
    import numpy

    sizes: list[int] = []
    for axis, size in enumerate(filled.shape):
        used = filled.any(axis=tuple(other for other in range(filled.ndim) if other != axis))
        if bool(used.all()):
            sizes.append(size)
            continue
        changes = [int(at) for at in numpy.flatnonzero(used[1:] != used[:-1]) + 1]
        period = next(part for part in divisors(size) if bool((used.reshape(-1, part) == used[:part]).all()))
        run = gcd(period, *changes)
        sizes += [size // period, period // run, run]
    return sizes


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
