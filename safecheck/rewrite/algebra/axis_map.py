"""Linear maps along axes: every result is a sum of elements along one axis, times numbers that are fixed.

The axis becomes the channels of a 1x1 convolution whose weights are the matrix of the map. Neighbours may be one axis.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from math import prod
from typing import Any

from safecheck.rewrite.algebra.pointwise import WIDE, convolve, convolve_in_parts, rounded
from safecheck.rewrite.builder import Builder
from safecheck.rewrite.movement.program import Style, Writer

MAX_ENTRIES = 1 << 24
"""Of one matrix."""
_TAIL = Style("copy", "tail")


@dataclass(frozen=True)
class AxisMap:
    """The axes from `first` on, `count` of them read as one, become those of `made`."""

    first: int
    count: int
    made: tuple[int, ...]
    matrix: Any
    """float64 (entries of `made`, entries of the axes)."""

    @property
    def terms(self) -> int:
        """At most so many elements make one result."""
        return int((self.matrix != 0).sum(1).max())

    def after(self, dims: Sequence[int]) -> tuple[int, ...]:
        """The dimensions that the map makes of others."""
        return (*dims[: self.first], *self.made, *dims[self.first + self.count :])

    def split(self, dims: Sequence[int]) -> tuple[int, int, int]:
        """How many elements lie before, along and behind the axes."""
        end = self.first + self.count
        return prod(dims[: self.first]), prod(dims[self.first : end]), prod(dims[end:])


def write(builder: Builder, value: str, dims: Sequence[int], maps: Sequence[AxisMap], dtype: str) -> str | None:
    """Carry out maps one after the other; None if the weights leave the range of the type."""
    writer = Writer(builder, value, dims, dtype, _TAIL)
    shape = tuple(dims)
    for map_ in maps:
        weights = rounded(map_.matrix.T, dtype)
        if weights is None:
            return None
        with axis_as_channels(writer, shape, map_.first, map_.count) as seen:
            multiply(writer, seen, weights)
        shape = map_.after(shape)
    writer.view(shape)
    return writer.value


def magnitude(data: Any, dims: Sequence[int], maps: Sequence[AxisMap]) -> Any:
    """For every result the sum of the magnitudes of its terms, in float64."""
    import numpy

    total = numpy.abs(data.astype(numpy.float64))
    shape = tuple(dims)
    for map_ in maps:
        total = numpy.matmul(numpy.abs(map_.matrix), total.reshape(map_.split(shape)))
        shape = map_.after(shape)
    return total.reshape(shape)


def turned(builder: Builder, value: str, dims: Sequence[int]) -> tuple[str, tuple[int, ...]]:
    """A value with its last two axes exchanged, and its dimensions then."""
    writer = Writer(builder, value, dims, "", _TAIL)
    turn(writer, (1, prod(dims[:-2]), *dims[-2:]))
    made = (*dims[:-2], dims[-1], dims[-2])
    writer.view(made)
    return writer.value, made


@contextmanager
def axis_as_channels(writer: Writer, dims: Sequence[int], first: int, count: int = 1) -> Iterator[tuple[int, ...]]:
    """See some axes as the second of four dimensions; behind it they stand at their place again, as long as they are.

    Yields:
        The four dimensions.
    """
    before, size, behind = prod(dims[:first]), prod(dims[first : first + count]), prod(dims[first + count :])
    if behind == 1 and before > 1:  # the rows go into space, so that the batch does not grow
        rows = dims[first - 1]
        turn(writer, (1, before // rows, rows, size))
        yield before // rows, size, rows, 1
        turn(writer, (1, before // rows, writer.dims[1], rows))
    else:
        seen = tuple(dims) if first == count == 1 and len(dims) == 4 else (before, size, behind, 1)
        writer.view(seen)
        yield seen


def turn(writer: Writer, dims: Sequence[int]) -> None:
    """Exchange the last two of four dimensions."""
    writer.view(dims)
    writer.value = writer.builder.transpose(writer.value, (0, 1, 3, 2))
    writer.dims = (*dims[:2], dims[3], dims[2])


def multiply(writer: Writer, dims: Sequence[int], weights: Any) -> None:
    """Multiply the second of four dimensions by a matrix (in, out)."""
    writer.view(dims)
    batch, size, height, width = dims
    made = weights.shape[1]
    if max(size, made) > WIDE:
        writer.value = convolve_in_parts(writer.builder, writer.value, (batch, size, height, width), weights, None)
    else:
        writer.value = convolve(writer.builder, writer.value, weights, None)
    writer.dims = (batch, made, height, width)
