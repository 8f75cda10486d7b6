"""Constants of many elements as computed tensors.

Elementwise layers are only known to take computed tensors, and the bias of a convolution is one number per channel. But
a convolution with zero weights and a bias computes a constant. One that makes [1, 0, 0, ...] in every place, read in
another shape, is the identity matrix, and a convolution of that with the constant as its weights is the constant.
"""

from __future__ import annotations

from math import prod
from typing import Any

from safecheck.rewrite.algebra.pointwise import WIDE
from safecheck.rewrite.builder import Builder

EXACT = "the constant is computed without rounding: every sum has one term that is not zero"
SPREADS = "a single NaN or infinity makes the constant NaN everywhere in its batch entry"


def places(count: int) -> int | None:
    """The fewest places among which that many elements fall, with channels no more than convolutions may have."""
    return next((size for size in range(-(-count // WIDE), WIDE) if count % size == 0), None)


def computed(builder: Builder, value: str, array: Any, dims: tuple[int, ...], batch: int = 1) -> str:
    """A constant as a computed tensor of dimensions `dims`.

    `value` is a tensor with as many elements. The array, in the type of the value, is broadcast to `dims`; of `batch`
    equal parts the first stands for all, so that only finite elements of their own part are needed.

    Raises:
        ValueError: the elements of one part do not fall among `places`.
    """
    import numpy

    size = prod(dims) // batch
    across = places(size)
    if across is None:
        raise ValueError("the constant has too many elements, or their number has no fitting divisor")
    channels, kind = size // across, array.dtype
    entries = numpy.broadcast_to(array, dims).reshape(-1)[:size].reshape(channels, across)
    zero = builder.conv(builder.reshape(value, (batch, channels, across, 1)), numpy.zeros((1, channels, 1, 1), kind))
    first = numpy.eye(1, across + 1, dtype=kind)[0]
    # [1, 0, ..., 0] in each of P places, cut into rows of P: an identity matrix and a row of zeros
    rows = builder.conv(zero, numpy.zeros((across + 1, 1, 1, 1), kind), first)
    flat = builder.reshape(rows, (batch, 1, across + 1, across))
    identity = builder.reshape(builder.transpose(flat, (0, 1, 3, 2)), (batch, across + 1, across, 1))
    weights = numpy.concatenate([entries, numpy.zeros((channels, 1), kind)], 1)
    return builder.reshape(builder.conv(identity, weights[:, :, None, None]), dims)
