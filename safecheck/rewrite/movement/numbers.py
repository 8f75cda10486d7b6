"""Element numbers: which element of the source a place holds.

`ZERO` is a place that holds the constant zero, `OTHER` one that holds anything else.
"""

from __future__ import annotations

from typing import Any

ZERO = -1
OTHER = -2

Numbers = Any
"""An int64 array of element numbers."""


def numbers_of_constant(array: Any) -> Numbers:
    """What the places of a constant hold."""
    import numpy

    zero = (array == 0) & ~numpy.signbit(array) if array.dtype.kind == "f" else array == 0
    return numpy.where(zero, ZERO, OTHER).astype(numpy.int64)
