"""What is normalised together as the channels of four dimensions, and its sum as one channel that is spread again.

More elements than a convolution may have channels are added and spread in two steps: the parts, then within a part.
"""

from __future__ import annotations

from math import prod
from typing import Any

from safecheck.rewrite.algebra.arrange import enumerated
from safecheck.rewrite.algebra.pointwise import WIDE, parts
from safecheck.rewrite.builder import Builder

_PARTS = 128
"""In at most so many parts the elements that are normalised together are taken."""
_BATCH = 32
"""A first axis up to this long is taken for the batch."""

Dims = tuple[int, int, int, int]
"""[batch, normalised together, ..., ...]."""


def too_many(count: int) -> str:
    """Why so many elements are not normalised together; empty if they can be."""
    if parts(count) <= _PARTS:
        return ""
    return f"{count} elements are normalised together, which are not {_PARTS} parts of {WIDE} or fewer"


def arranged(dims: tuple[int, ...], axes: tuple[int, ...]) -> Any:
    """Element numbers as [batch, normalised together, ..., 1]."""
    free = [axis for axis in range(len(dims)) if axis not in axes]
    batch = [axis for axis in free if axis == 0 and dims[0] <= _BATCH]
    rest = [axis for axis in free if axis not in batch]
    sizes = [dims[axis] for axis in rest] + [1, 1]
    shape = (prod(dims[axis] for axis in batch), prod(dims[axis] for axis in axes), sizes[0], prod(sizes[1:]))
    return enumerated(dims).transpose([*batch, *axes, *rest]).reshape(shape)


def added(builder: Builder, value: str, dims: Dims, weight: float, shift: Any | None = None) -> str:
    """The sum over the channels as one channel, each times a weight; parts of the channels are added first."""
    import numpy

    batch, count, height, width = dims
    several = parts(count)
    inside = count // several
    if several > 1:
        seen = builder.reshape(value, (batch, several, inside, height * width))
        sums = builder.conv(seen, numpy.ones((1, several, 1, 1), numpy.float32))
        value = builder.reshape(sums, (batch, inside, height, width))
    return builder.conv(value, numpy.full((1, inside, 1, 1), weight, numpy.float32), shift)


def spread(builder: Builder, value: str, dims: Dims) -> str:
    """One channel, as often as there are channels."""
    import numpy

    batch, count, height, width = dims
    several = parts(count)
    inside = count // several
    value = builder.conv(value, numpy.ones((inside, 1, 1, 1), numpy.float32))
    if several > 1:
        seen = builder.reshape(value, (batch, 1, inside, height * width))
        repeated = builder.conv(seen, numpy.ones((several, 1, 1, 1), numpy.float32))
        value = builder.reshape(repeated, dims)
    return value
