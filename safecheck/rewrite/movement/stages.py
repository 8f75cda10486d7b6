"""Index maps in one step or in two: reordered along an axis, and whole axes moved, in either order."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import Any

from safecheck.rewrite.movement.factor import Axis, Factored, FactorError, digits_of, factor


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

    digits = digits_of(flat)[::-1]
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
