"""A function of one variable on a range: what was written, where its error holds, and the claim of it.

The range is what has been measured, if anything has (`ranges`), else what is assumed here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from math import inf
from typing import Any

from safecheck.ir.walk import is_standard
from safecheck.rewrite.algebra import approximate
from safecheck.rewrite.algebra.approximate import Approximation
from safecheck.rewrite.algebra.plane import UNSIGNED_ZERO, Plane
from safecheck.rewrite.algebra.rounding import smallest, unit
from safecheck.rewrite.finite import extent_of
from safecheck.rewrite.graph import MutableGraph
from safecheck.rewrite.ranges import Quantity, Ranges
from safecheck.rewrite.rule import Claim, Range, Source

POSITIVE = (1e-12, 1e12)
"""Assumed of arguments of logarithms, of the magnitude of divisors, and of bases of broken powers: of a million normal
numbers one is below 1e-6, and many networks take squares first."""
ROOTS = (1e-18, 1e12)
"""Assumed of arguments of roots; what is smaller has the root of a straight line to zero."""
_EITHER = "above, the result stays near that of the end, up to a million times beyond it; below, it falls to zero"
_NONFINITE = "infinities, NaN and what is beyond the range come out as numbers at the end of the range"


@dataclass(frozen=True)
class Curve:
    """What was written for a function of one variable."""

    value: str
    limits: tuple[float, float]
    """Arguments between which the error holds."""
    error: Callable[[Any, Any], Any]
    """(argument, exact result), float64 -> the largest error of the new value."""
    method: str
    bound: str
    source: Source = "assumed"
    """Where the lower limit comes from; the upper one is measured or assumed unless it is infinite."""
    either: bool = False
    """Whether the limits are those of the magnitude."""

    @property
    def argument(self) -> str:
        """What lies between the limits."""
        return "the magnitude of the argument" if self.either else "the argument"

    how: str = ""
    """How the limits were measured; empty if they are assumed."""

    @property
    def range(self) -> Range:
        """Where the error holds."""
        found: Source = "measured" if self.how else "assumed"
        low = found if self.source == "assumed" else self.source
        high: Source = "derived" if self.limits[1] == inf else found
        made = Range(self.argument, *self.limits, low, high, how=self.how)
        return replace(made, outside=_EITHER) if self.either else made

    def holds(self, argument: Any) -> Any:
        """Which arguments, an array, are within the limits."""
        size = abs(argument) if self.either else argument
        return (size >= self.limits[0]) & (size <= self.limits[1])


def claim_of(curve: Curve, plane: Plane, x: str, dtype: str) -> Claim:
    """Within the error of the program and of the original, which is taken to be within 4 units of the exact result."""

    def limit(feed: Mapping[str, Any], expected: Any) -> Any:
        import numpy

        argument = plane.fed(feed, x)
        exact = numpy.abs(expected.astype(numpy.float64))
        error = 1.01 * curve.error(argument, exact) + 8 * unit(dtype) * exact + 8 * smallest(dtype)
        return numpy.where(curve.holds(argument), error, numpy.inf)

    ranges = () if curve.limits == (-inf, inf) else (curve.range,)
    return Claim(
        "bounded", curve.method, finite_only=True, caveats=(UNSIGNED_ZERO, _NONFINITE), limit=limit, bound=curve.bound,
        ranges=ranges,
    )  # fmt: skip


def _relative(found: Approximation, x: Any, exact: Any) -> Any:
    return found.relative * exact + found.absolute


def curve_of(
    found: Approximation,
    limits: tuple[float, float],
    method: str,
    source: Source = "assumed",
    either: bool = False,
) -> Curve:
    """A curve with the error of an approximation."""
    parts = [f"{found.relative:.2g} |result|"] if found.relative else []
    parts += [f"{found.absolute:.2g}"] if found.absolute else []
    return Curve(
        found.value, limits, lambda x, exact: _relative(found, x, exact), method, " + ".join(parts), source, either
    )


def ends(graph: MutableGraph, name: str, assumed: tuple[float, float], least: float = 0.0) -> tuple[float, float, str]:
    """The range of a value with a positive lower end, measured or assumed, and how it was measured.

    Nothing is below `least`. Where zero or less was measured, the assumed lower end stays.
    """
    found = graph.memo(Ranges).of(graph, Quantity(name, "elements"))
    if found is None or found.high <= assumed[0]:
        return *assumed, ""
    low = max(least, found.low) if found.low > 0 else assumed[0]
    return low, max(found.high, 4 * low), found.how


def inverted(graph: MutableGraph, name: str, plane: Plane) -> tuple[Curve, str]:
    """1 / v for a value of the graph, by what is known of its sign; also what the program starts from.

    The inverse of a root is computed from what the root is taken of.
    """
    maker = graph.producer(name)
    if maker is not None and maker.op_type == "Sqrt" and is_standard(maker):
        name = maker.input[0]
        least = max(0.0, _least(graph, name))
        low, high, how = ends(graph, name, (max(least, ROOTS[0]), max(ROOTS[1], 10 * least)), least)
        found = approximate.inverse_root(plane, plane.enter(name), low, high)
        made = curve_of(found, (low, high), "segments and Newton's iteration for 1 / sqrt(x)", _known(least, low))
        return replace(made, how=how), name
    value, some = plane.enter(name), _least(graph, name)
    if some < 0:
        low, high = POSITIVE
        measured = graph.memo(Ranges).of(graph, Quantity(name, "elements"))
        if measured is not None:
            high = max(abs(measured.low), abs(measured.high), 4 * low)
        found = approximate.inverse_of_either_sign(plane, value, low, high)
        made = curve_of(found, (low, high), "x / x^2, by segments and Newton's iteration", either=True)
        return replace(made, how="" if measured is None else measured.how), name
    low, high, how = ends(graph, name, (max(some, POSITIVE[0]), max(POSITIVE[1], 10 * some)), some)
    found = approximate.inverse(plane, value, low, high)
    made = curve_of(found, (low, high), "segments and Newton's iteration for 1 / x", _known(some, low))
    return replace(made, how=how), name


def _least(graph: MutableGraph, name: str) -> float:
    """A number that no element is known to be below."""
    extent = extent_of(graph, name)
    return min(extent.low, extent.high)


def _known(least: float, low: float) -> Source:
    return "derived" if low == least else "assumed"
