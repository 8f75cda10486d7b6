"""How far floating-point results may be from each other, by analysis and not by trying.

Notation and lemmas: N. J. Higham, Accuracy and Stability of Numerical Algorithms, 2nd edition, chapters 2 to 4. `u` is
the unit roundoff, gamma(n) = n u / (1 - n u).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from safecheck.ir.protos import numpy_type
from safecheck.rewrite.rule import Claim

FLOATS = ("FLOAT", "FLOAT16")
"""Types that convolutions are written in: parsers turn DOUBLE into FLOAT and know no others in restricted mode."""

LARGEST = "off by roundings of the largest value compared, however small the result is"
"""What a + max(b - a, 0) costs where b is much smaller than a; whoever takes a logarithm of it magnifies that."""

Magnitude = Callable[[Mapping[str, Any]], Any]
"""Inputs by name -> for every element of the result the sum of the magnitudes of its terms."""


def unit(dtype: str) -> float:
    """Unit roundoff of an ONNX type of `FLOATS`: half the distance from 1 to the next number."""
    import numpy

    return float(numpy.finfo(numpy_type(dtype)).eps) / 2


def maximum(
    steps: int, dtype: str, peak: Callable[[Mapping[str, Any]], Any], where: str, caveats: tuple[str, ...],
    floors: Mapping[str, float] | None = None,
) -> Claim:  # fmt: skip
    """The claim of a maximum by a + max(b - a, 0), so many times in a row.

    `peak` is the largest magnitude compared, from what is fed to the shape of the result, and `where` says of what.
    Every step rounds a difference and a sum of two elements; a maximum of rounded ones is as far off at most.
    """
    rounds = 4 * (steps + 1)

    def limit(feed: Mapping[str, Any], expected: Any) -> Any:
        return rounds * (unit(dtype) * peak(feed) + smallest(dtype))

    return Claim(
        "bounded", "the larger of a and b is a + max(b - a, 0): a itself, or b",
        finite_only=True, caveats=caveats, limit=limit, floors=floors or {},
        bound=f"{rounds} u x largest magnitude {where}",
    )  # fmt: skip


def gamma(count: int, roundoff: float) -> float:
    """The relative error that `count` roundings in a row can build up (Higham, lemma 3.1)."""
    return count * roundoff / (1 - count * roundoff)


def smallest(dtype: str) -> float:
    """The smallest positive number: below the normal range a rounding is off by at most half of it."""
    import numpy

    return float(numpy.finfo(numpy_type(dtype)).smallest_subnormal)


def sums_agree(dtype: str, terms: int, magnitude: Magnitude, method: str, **more: Any) -> Claim:
    """Both sides are sums of the same terms in some order, every term rounded at most as often as there are terms.

    Either side is within gamma(terms) of the exact sum of magnitudes, whatever the order (Higham, section 4.2).
    """

    def limit(feed: Mapping[str, Any], expected: Any) -> Any:
        return 2 * gamma(terms, unit(dtype)) * magnitude(feed) + terms * smallest(dtype)

    return Claim("bounded", method, limit=limit, bound=f"2 gamma({terms}) x sum of the magnitudes of the terms", **more)
