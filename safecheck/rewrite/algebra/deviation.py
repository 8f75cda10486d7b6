"""1 / sqrt(variance + epsilon), the range on which it is approximated, and how far a normalisation by it may be off."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from safecheck.rewrite.algebra.approximate import inverse_root
from safecheck.rewrite.algebra.newton import newton
from safecheck.rewrite.algebra.plane import UNSIGNED_ZERO, Plane
from safecheck.rewrite.algebra.rounding import gamma, smallest, unit
from safecheck.rewrite.graph import MutableGraph
from safecheck.rewrite.ranges import Quantity, Ranges
from safecheck.rewrite.rule import Claim, Range

LARGEST = 1e6
"""Variances are assumed to be at most this, a standard deviation of 1000, where nothing has been measured."""
_TINY = 1e-12
"""The smallest variance that is told from zero where epsilon is smaller."""
_DETERMINED = 0.2
"""Relative errors of 1 / s up to which the first order of an error says all."""
_DTYPE = "FLOAT"
_NONFINITE = "infinities and NaN spread over all that is normalised together"


def why_not(dtype: str | None) -> str:
    """Why a normalisation of a type is not written; empty if it is."""
    if dtype == "FLOAT16":
        return "in FP16 squares above 255 overflow and an epsilon below 6e-5 loses its digits; keep this part in FP32"
    return "" if dtype == _DTYPE else f"a convolution of {dtype} does not exist"


@dataclass(frozen=True)
class Deviation:
    """The deviation of elements that are normalised together."""

    count: int
    """How many they are."""
    epsilon: float
    centred: bool = True
    """Whether the mean is subtracted first."""
    largest: float = LARGEST
    """The largest variance."""
    how: str = ""
    """How that was measured; empty if it is assumed."""

    def measured(self, graph: MutableGraph, value: str, shape: tuple[int, ...], axes: tuple[int, ...]) -> Deviation:
        """The same with the largest variance (or mean square) that was measured, if any was.

        Args:
            graph: the graph.
            value: what is normalised.
            shape: the dimensions in which it is seen.
            axes: those that are normalised together.
        """
        kind: Literal["variances", "mean squares"] = "variances" if self.centred else "mean squares"
        found = graph.memo(Ranges).of(graph, Quantity(value, kind, shape, axes))
        if found is None:
            return self
        return replace(self, largest=max(found.high + self.epsilon, 4 * max(self._floor, _TINY)), how=found.how)

    @property
    def limits(self) -> tuple[float, float]:
        """The range of variance plus epsilon."""
        return max(self._floor, _TINY), self.largest

    @property
    def _floor(self) -> float:
        import numpy

        return float(numpy.float32(self.epsilon))

    @property
    def _has_floor(self) -> bool:
        """Whether a variance of zero is within the range."""
        return self._floor >= self.limits[0]

    def inverse(self, plane: Plane, variance: str) -> str:
        """1 / sqrt(variance), epsilon having been added."""
        return inverse_root(plane, variance, *self.limits, below=not self._has_floor).value

    @property
    def range(self) -> Range:
        """Where the claim holds."""
        return Range(
            f"{self._measure} + epsilon", *self.limits, "derived" if self._has_floor else "assumed",
            "measured" if self.how else "assumed", "the deviation counts as that at the nearer end", self.how,
        )  # fmt: skip

    @property
    def _measure(self) -> str:
        return "variance" if self.centred else "mean square"

    def claim(
        self,
        data: Callable[[Mapping[str, Any]], Any],
        axis: int,
        parameters: tuple[Any, Any],
        back: Callable[[Any], Any],
        keep: tuple[str, ...] = (),
    ) -> Claim:
        """Both sides against the exact result, to first order, each bounded for n elements.

        A centred element is off by d = gamma(n + 8) (|x| + mean |x|) and, where the terms of the mean are below the
        normal numbers, by one of the smallest numbers for each of them. Roots of mean squares obey the triangle
        inequality, so that 1 / sqrt(variance + epsilon) = 1 / s is off by rms(d) / s relative, gamma(n + 8) for
        rounding the sum, and what the iteration leaves. A runtime may instead take the variance as the mean of squares
        less the square of the mean: that is off by gamma(n + 8) mean(x^2) / s^2 relative. Where any of this is no
        longer small, the formula does not determine the result, and there is no limit.

        Args:
            data: the data from what is fed, elements normalised together along one axis.
            axis: that axis.
            parameters: scale and bias, broadcast to the data.
            back: from the arrangement of the data to that of the result.
            keep: values that stay in FP32.
        """
        u, (low, high) = unit(_DTYPE), self.limits
        g = gamma(self.count + 8, u)
        left = newton(-0.5, low, high, u).relative

        def limit(feed: Mapping[str, Any], expected: Any) -> Any:
            import numpy

            def mean(array: Any) -> Any:
                return array.mean(axis, keepdims=True)

            x = data(feed).astype(numpy.float64)
            scale, bias = (numpy.abs(array) for array in parameters)
            centred = numpy.abs(x - mean(x)) if self.centred else numpy.abs(x)
            variance = mean(centred**2) + self.epsilon
            s = numpy.sqrt(variance)
            moved = (g * (numpy.abs(x) + mean(numpy.abs(x))) + (self.count + 8) * smallest(_DTYPE)) * self.centred
            relative = 2 * numpy.sqrt(mean(moved**2)) / s + 2 * g + left + g * mean(x * x) / variance
            error = scale * (2 * moved + centred * relative) / s + 8 * u * (scale * centred / s + bias)
            inside = (variance * (1 + g) >= low) & (variance * (1 + g) <= high) & (relative < _DETERMINED)
            return back(numpy.where(inside, 1.5 * error + 8 * smallest(_DTYPE), numpy.inf))

        size = f"gamma({self.count + 8})"
        lost = f"where mean(x^2) / s^2 exceeds about {_DETERMINED / g:.1g}, rounding leaves neither side determined"
        return Claim(
            "bounded",
            f"segments and Newton's iteration for 1 / s, s^2 = {self._measure} + epsilon, off by {left:.1g} relative",
            finite_only=True, caveats=(UNSIGNED_ZERO, _NONFINITE, lost), limit=limit,
            bound=f"1.5 |result - bias| x ({left:.1g} + {size} (2 + 4 rms(x) / s + mean(x^2) / s^2)) "
            f"+ 3 {size} |scale x| / s",
            ranges=(self.range,), keep=keep,
        )  # fmt: skip
