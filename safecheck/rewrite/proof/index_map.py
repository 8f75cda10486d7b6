"""Enumerate the elements of a tensor so that a run shows where each of them goes.

A program that only moves data is independent of the values, so two programs that agree on an enumeration agree always.
Types that cannot count far enough get the numbers digit by digit, in several runs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from safecheck.ir.protos import numpy_type
from safecheck.ir.signature import Tensor

# Largest base whose digits 1..base are exact, and stay exact when multiplied by one and added to zeros.
_BASES = {"f2": 2048, "f4": 1 << 24, "f8": 1 << 53, "i1": 127, "u1": 255, "i2": 32767, "u2": 65535, "b1": 1}


def enumerations(types: Mapping[str, Tensor]) -> Iterator[dict[str, Any]]:
    """Feeds whose elements, taken over all of them, are different for every element of every tensor.

    No digit is zero, so an element is never mistaken for padding.
    """
    import numpy

    dtypes = {name: numpy.dtype(numpy_type(tensor.dtype or "FLOAT")) for name, tensor in types.items()}
    base = min((_BASES.get(f"{dtype.kind}{dtype.itemsize}", (1 << 31) - 2) for dtype in dtypes.values()), default=2)
    base = max(2, base - 1)
    shapes = {name: tuple(dim for dim in tensor.shape or () if isinstance(dim, int)) for name, tensor in types.items()}
    start = 0
    numbers = {}
    for name, shape in shapes.items():
        count = int(numpy.prod(shape, dtype=numpy.int64))
        numbers[name] = numpy.arange(start, start + count, dtype=numpy.int64).reshape(shape)
        start += count
    while True:
        boolean = any(dtype.kind == "b" for dtype in dtypes.values())
        digits = {name: number % base for name, number in numbers.items()}
        yield {name: (digit if boolean else digit + 1).astype(dtypes[name]) for name, digit in digits.items()}
        numbers = {name: number // base for name, number in numbers.items()}
        start = -(-start // base)
        if start <= 1:
            return
