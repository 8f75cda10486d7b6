"""How far two results are apart. NaN is never within a tolerance: it is in the same places or the results differ."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from safecheck.rewrite.proof.channels import BLOCK


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
    found = Difference()
    blocks = [slice(first, first + BLOCK) for first in range(0, expected.size, BLOCK)]
    flat, other = expected.reshape(-1), actual.reshape(-1)
    largest = 0.0
    for at in blocks:
        one, size = _of_block(flat[at], other[at])
        found, largest = found.worst(one), max(largest, size)
    relative = found.max_abs / largest if largest else (0.0 if not found.max_abs else float("inf"))
    return replace(found, max_rel=relative)


def _of_block(expected: Any, actual: Any) -> tuple[Difference, float]:
    """Two vectors of numbers, without relation to the largest of them, which is returned as well."""
    import numpy

    finite = numpy.isfinite(expected) & numpy.isfinite(actual)
    largest = float(numpy.abs(expected[finite]).max(initial=0))
    width = f"u{expected.dtype.itemsize}"
    same_bits = bool(
        numpy.array_equal(
            numpy.where(numpy.isnan(expected), 0, expected.view(width)),
            numpy.where(numpy.isnan(actual), 0, actual.view(width)),
        )
        and numpy.array_equal(numpy.isnan(expected), numpy.isnan(actual))
    )
    if same_bits:
        return Difference(), largest
    same_nonfinite = bool(numpy.array_equal(expected[~finite], actual[~finite], equal_nan=True))
    wanted, got = expected[finite].astype(numpy.float64), actual[finite].astype(numpy.float64)
    if not wanted.size:
        return Difference(0.0, 0.0, 0.0, False, same_nonfinite, same_nonfinite), largest
    error = numpy.abs(wanted - got)
    units = numpy.spacing(numpy.abs(expected[finite])).astype(numpy.float64)
    worst = float(error.max())
    exact = worst == 0 and same_nonfinite
    return Difference(worst, 0.0, float((error / units).max()), False, exact, same_nonfinite), largest
