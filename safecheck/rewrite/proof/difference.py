"""How far two results are apart. NaN is never within a tolerance: it is in the same places or the results differ."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Difference:
    """The largest differences over all elements that are finite on both sides."""

    max_abs: float = 0.0
    max_rel: float = 0.0
    """Relative to the largest magnitude of the expected result."""
    max_ulp: float = 0.0
    """In units in the last place of the expected element; for types with 2 to 8 bytes."""
    same_bits: bool = True
    same_values: bool = True
    """Equal where the sign of zero does not count."""
    same_nonfinite: bool = True
    """NaN in the same places, infinities of the same sign in the same places."""

    def worst(self, other: Difference) -> Difference:
        """The larger of both in every respect."""
        return Difference(
            max(self.max_abs, other.max_abs),
            max(self.max_rel, other.max_rel),
            max(self.max_ulp, other.max_ulp),
            self.same_bits and other.same_bits,
            self.same_values and other.same_values,
            self.same_nonfinite and other.same_nonfinite,
        )


DIFFERENT = Difference(float("inf"), float("inf"), float("inf"), False, False, False)


def difference(expected: Any, actual: Any) -> Difference:
    """Compare two arrays; another shape or type is a difference without measure."""
    import numpy

    if expected.dtype != actual.dtype or expected.shape != actual.shape:
        return DIFFERENT
    if expected.dtype.kind != "f":
        same = bool(numpy.array_equal(expected, actual))
        return Difference() if same else DIFFERENT
    width = f"u{expected.dtype.itemsize}"
    same_bits = bool(
        numpy.array_equal(
            numpy.where(numpy.isnan(expected), 0, expected.view(width)),
            numpy.where(numpy.isnan(actual), 0, actual.view(width)),
        )
        and numpy.array_equal(numpy.isnan(expected), numpy.isnan(actual))
    )
    if same_bits:
        return Difference()
    finite = numpy.isfinite(expected) & numpy.isfinite(actual)
    same_nonfinite = bool(numpy.array_equal(expected[~finite], actual[~finite], equal_nan=True))
    wanted, got = expected[finite].astype(numpy.float64), actual[finite].astype(numpy.float64)
    if not wanted.size:
        return Difference(0.0, 0.0, 0.0, False, same_nonfinite, same_nonfinite)
    error = numpy.abs(wanted - got)
    largest = float(numpy.abs(wanted).max())
    units = numpy.spacing(numpy.abs(expected[finite])).astype(numpy.float64)
    worst = float(error.max())
    return Difference(
        worst,
        worst / largest if largest else (0.0 if not worst else float("inf")),
        float((error / units).max()),
        False,
        worst == 0 and same_nonfinite,
        same_nonfinite,
    )
