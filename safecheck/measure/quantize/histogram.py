"""How large the values of a tensor are, in little memory and independent of the order in which they come."""

from __future__ import annotations

from typing import Any

import numpy as np

BITS = 12
BINS = 1 << BITS
"""Bins over [0, 2**exponent); the largest value lies in the upper half, so 2049 to 4096 of them are in use."""
_SMALLEST = -100
"""Exponent of a range that is never made smaller: 1e-30 is nothing beside any activation."""


class NotFinite(Exception):  # noqa: N818 - it is a finding about the data
    """A tensor holds a NaN or an infinity, for which no scale exists."""


class Histogram:
    """Counts of |x| over bins whose range is a power of two.

    A larger value doubles the range and adds neighbouring bins in pairs. Edges of the narrow bins are edges of the wide
    ones, so the counts are those of a histogram that had the final range from the beginning: batches of any size in any
    order give the same numbers, and nothing but the counts is kept. Zeros are counted apart: every symmetric scale
    represents them exactly.
    """

    def __init__(self) -> None:
        self.counts = np.zeros(BINS, dtype=np.int64)
        self.exponent = _SMALLEST
        self.zeros = 0
        self.largest = np.float32(0)

    @property
    def width(self) -> float:
        """Width of one bin."""
        return float(2.0 ** (self.exponent - BITS))

    @property
    def used(self) -> Any:
        """The counts up to the largest value that was seen."""
        last = np.flatnonzero(self.counts)
        return self.counts[: int(last[-1]) + 1] if last.size else self.counts[:0]

    def add(self, values: Any) -> None:
        """Count an array of FLOAT or FLOAT16.

        Raises:
            NotFinite: it holds a NaN or an infinity.
        """
        if not values.size:
            return
        magnitudes = np.abs(values.ravel(), dtype=np.float32)
        peak = magnitudes.max()  # a NaN anywhere is the maximum
        if not np.isfinite(peak):
            raise NotFinite
        self.largest = max(self.largest, peak)
        self._widen(int(np.frexp(peak)[1]) if peak > 0 else _SMALLEST)
        zeros = magnitudes.size - int(np.count_nonzero(magnitudes))
        # A product with a power of two is exact, and below BINS because the peak is below the range.
        found = np.bincount((magnitudes * np.float32(1 / self.width)).astype(np.int32), minlength=BINS)
        found[0] -= zeros
        self.counts += found
        self.zeros += zeros

    def _widen(self, exponent: int) -> None:
        while self.exponent < exponent:
            if not self.counts.any():
                self.exponent = exponent
                return
            pairs = self.counts.reshape(-1, 2).sum(axis=1)
            self.counts = np.concatenate([pairs, np.zeros_like(pairs)])
            self.exponent += 1
