"""Errors by channel: a number is held against its like, not against the largest of another quantity beside it.

Which axis of an output holds the channels is not written anywhere: NCHW has them second, a table of boxes last, and a
vector is nothing but channels. So an output is cut along every axis but the batch, and every slice has to agree on its
own. What a slice is large or small against are its own elements: on the sample, and on samples that are typical of the
network, so that a channel that happens to be quiet is not asked for more digits than it has.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from math import prod
from typing import Any, NamedTuple

BLOCK = 1 << 22
"""Elements that are looked at together: in double precision an output of a camera is larger than its network."""
Sizes = Sequence[Any]
"""The largest magnitude in every slice, an array for each axis that is cut."""


class Excess(NamedTuple):
    """The worst slice of an output."""

    ratio: float
    """Largest error in the slice, relative to the largest magnitude in it."""
    axis: int | None
    """None where the output is a single number."""
    place: int


def magnitudes(array: Any) -> Sizes:
    """The largest finite magnitude in every slice; zero where there is none."""
    import numpy

    def block(at: Any) -> Any:
        return numpy.where(numpy.isfinite(array[at]), numpy.abs(array[at].astype(numpy.float64)), 0.0)

    return _maxima(array.shape, block)


def errors(expected: Any, actual: Any) -> Sizes:
    """The largest absolute difference in every slice, in double precision; where one is not finite there is none."""
    return _maxima(expected.shape, lambda at: _errors_between(expected[at], actual[at]))


def larger(one: Sizes, other: Sizes) -> Sizes:
    """Slice by slice; of outputs whose shape differs between samples, the first."""
    import numpy

    if [part.shape for part in one] != [part.shape for part in other]:
        return one
    return [numpy.maximum(mine, theirs) for mine, theirs in zip(one, other, strict=True)]


def worst(expected: Any, actual: Any, sizes: Sizes) -> Excess:
    """Errors of an output, against the sizes of its slices."""
    found = [Excess(ratio, axis, place) for axis, place, ratio in _ratios(expected, actual, sizes)]
    return max(found, default=Excess(0.0, None, 0))


def relative(expected: Any, actual: Any, least: int) -> float:
    """The worst ratio over the slices that hold at least so many elements; 0 where there are none, or other types."""
    import numpy

    if expected.dtype.kind != "f" or expected.dtype != actual.dtype or expected.shape != actual.shape:
        return 0.0
    counts = [
        expected.size if axis is None else expected.size // expected.shape[axis] for axis in _axes(expected.shape)
    ]
    large = [
        numpy.where(count < least, numpy.inf, size) for count, size in zip(counts, magnitudes(expected), strict=True)
    ]
    return worst(expected, actual, large).ratio


def _errors_between(expected: Any, actual: Any) -> Any:
    import numpy

    finite = numpy.isfinite(expected) & numpy.isfinite(actual)
    with numpy.errstate(invalid="ignore"):
        return numpy.where(finite, numpy.abs(expected.astype(numpy.float64) - actual.astype(numpy.float64)), 0.0)


def _ratios(expected: Any, actual: Any, sizes: Sizes) -> Iterator[tuple[int | None, int, float]]:
    import numpy

    for axis, error, size in zip(_axes(expected.shape), errors(expected, actual), sizes, strict=True):
        with numpy.errstate(divide="ignore", invalid="ignore"):
            ratio = numpy.where(error > 0, error / size, 0.0)
        if ratio.size:
            place = int(ratio.argmax())
            yield axis, place, float(ratio.reshape(-1)[place])


def _maxima(shape: tuple[int, ...], block: Callable[[Any], Any]) -> Sizes:
    """The largest of every slice of an array that `block` makes piece by piece, of a range of its longest axis."""
    import numpy

    axes = _axes(shape)
    if prod(shape) <= BLOCK:
        whole = block(...)
        return [_largest(whole, axis) for axis in axes]
    split = max(range(len(shape)), key=shape.__getitem__)
    step = max(1, BLOCK * shape[split] // prod(shape))
    found = [numpy.zeros(1 if axis is None else shape[axis]) for axis in axes]
    for first in range(0, shape[split], step):
        part = block((slice(None),) * split + (slice(first, first + step),))
        for axis, sizes in zip(axes, found, strict=True):
            here = sizes[first : first + step] if axis == split else sizes
            numpy.maximum(here, _largest(part, axis), out=here)
    return found


def _largest(array: Any, axis: int | None) -> Any:
    import numpy

    rest = tuple(other for other in range(array.ndim) if other != axis)
    return numpy.atleast_1d(array.max(axis=rest, initial=0.0))


def _axes(shape: tuple[int, ...]) -> list[int | None]:
    """The first axis of several is the batch; axes of 1 say nothing."""
    axes: list[int | None] = [axis for axis, size in enumerate(shape) if size > 1 and (axis or len(shape) == 1)]
    return axes or [None]
