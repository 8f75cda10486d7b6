"""Element numbers: which element of the source a place holds.

`ZERO` is a place that holds the constant zero. Other constants have numbers of their own, from `CONSTANT` downwards, if
they are known; `OTHER` is a place that holds anything else, such as a sum.
"""

from __future__ import annotations

from typing import Any

ZERO = -1
OTHER = -2
CONSTANT = -3

Numbers = Any
"""An int64 array of element numbers."""


class Constants:
    """The constants that one program moves, and the numbers that stand for their elements."""

    def __init__(self) -> None:
        self._known: list[Any] = []
        self._count = 0

    def numbers(self, array: Any) -> Numbers:
        """What the places of a constant hold; finite elements of floating-point types have numbers of their own."""
        import numpy

        if array.dtype.kind != "f":
            return numpy.where(array == 0, ZERO, OTHER).astype(numpy.int64)
        own = CONSTANT - self._count - numpy.arange(array.size, dtype=numpy.int64).reshape(array.shape)
        self._known.append(array.reshape(-1))
        self._count += array.size
        numbers = numpy.where((array == 0) & ~numpy.signbit(array), ZERO, own)
        unsigned = numpy.isfinite(array) & ((array != 0) | ~numpy.signbit(array))
        return numpy.where(unsigned, numbers, OTHER)

    def values(self, numbers: Numbers) -> Any | None:
        """The constants in their places and zeros elsewhere; None if there are none."""
        import numpy

        constant = numbers <= CONSTANT
        if not bool(constant.any()):
            return None
        known = numpy.concatenate(self._known)
        return numpy.where(constant, known[numpy.where(constant, CONSTANT - numbers, 0)], known.dtype.type(0))
