"""Functions of one variable on a range, in convolutions, Relu, sums and products, each with its derived error.

With knots t_0 < ... < t_K and d_i the width of segment i, the part of segment i above v is
r_i = relu(d_i - relu(v - t_i)), and f(v) = f(t_K) + sum s_i r_i with s_i the fall of f over the segment divided by its
width. Every term is bounded by the fall over its own segment, so that nothing cancels over many decades, and outside
of the knots the sum stays at f(t_0) and f(t_K). Newton's iterations make roots and quotients of it:

- y (1.5 - 0.5 v y^2) for 1 / sqrt(v): a relative error e becomes -1.5 e^2 - 0.5 e^3;
- y (2 - v y) for 1 / v: a relative error e becomes -e^2.

exp(x) is the 2^k-th power, by k squarings, of a polynomial in x / 2^k. Rounding is counted as in `rounding`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import ceil, exp, factorial, log, prod, sqrt

from safecheck.rewrite.algebra.newton import geometric, newton
from safecheck.rewrite.algebra.plane import Plane
from safecheck.rewrite.algebra.pointwise import add_all
from safecheck.rewrite.algebra.rounding import gamma

DECAY = 32.0
"""exp(-32) is 1.3e-14: what is below counts as that."""
_LOG_STEP = 1.12
"""Largest logarithm of the ratio of two knots of `logarithm`: its chords are off by 0.08."""
_LOG_SERIES = (0.0, 1.0, -1 / 2, 1 / 3, -1 / 4, 1 / 5)
"""Coefficients of log(1 + w)."""


@dataclass(frozen=True)
class Approximation:
    """A new value and how far it may be from f(v) for every v in the range: relative |f(v)| + absolute."""

    value: str
    relative: float
    absolute: float = 0.0


def roundoff(plane: Plane) -> float:
    """Unit roundoff of the type of a plane."""
    import numpy

    return float(numpy.finfo(plane.dtype).eps) / 2


def kept(plane: Plane, value: str, low: float | None = None, high: float | None = None) -> str:
    """The value where it is between two numbers, exactly; elsewhere the nearer one, to within rounding of the value.

    x + relu(low - x) and x - relu(x - high): inside, the second term is zero. Of numbers so large that the limit is
    within their rounding, something between 0 and twice the limit is left.
    """
    if low is not None:
        value = plane.add(value, plane.relu(plane.affine(value, -1.0, low)))
    if high is not None:
        value = plane.add(value, plane.affine(plane.relu(plane.affine(value, 1.0, -high)), -1.0))
    return value


def segments(plane: Plane, value: str, knots: Sequence[float], values: Sequence[float]) -> str:
    """The function that is linear between the knots, has the given values there and stays at the ends outside.

    The whole value is seen as one channel, which moves nothing, and has as many channels as there are segments between.
    With t_i and d_i exact numbers of the type, r_i is 0 or d_i wherever it should be, and within its segment it is
    off by 2 u d_i: 2 u times the fall over one segment, and gamma(K + 2) of the sum, all in all.
    """
    import numpy

    builder, dtype = plane.builder, plane.dtype
    batch, channels, height, width = plane.seen
    t = numpy.asarray(knots, dtype)
    d = t[1:] - t[:-1]
    ends = numpy.asarray(values, numpy.float64)
    slopes = ((ends[:-1] - ends[1:]) / d.astype(numpy.float64)).astype(dtype)
    one = value if channels == 1 else builder.reshape(value, (batch, 1, channels * height, width))
    most = max(1, builder.graph.largest // (prod(plane.seen) * plane.dtype.itemsize))
    made = []
    for first in range(0, len(d), most):  # in parts where a tensor would be too large
        part = slice(first, first + most)
        count = len(d[part])
        above = builder.add("Relu", [builder.conv(one, numpy.ones((count, 1, 1, 1), dtype), -t[:-1][part])])
        rest = builder.conv(above, numpy.full((count, 1, 1, 1), -1, dtype), d[part], group=count)
        weights, last = slopes[part].reshape(1, count, 1, 1), None if first else numpy.asarray(ends[-1:], dtype)
        made.append(builder.conv(builder.add("Relu", [rest]), weights, last))
    total = add_all(builder, made)
    return total if channels == 1 else builder.reshape(total, plane.seen)


def inverse_root(
    plane: Plane, value: str, low: float, high: float, below: bool = True, above: bool = True
) -> Approximation:
    """1 / sqrt(v) for v in [low, high]; outside it stays near the ends.

    Without `below` v is known to be at least low, without `above` at most high, to within a few roundings.

    Where `kept` leaves 0, every step multiplies by 1.5 what the segments made of the end.
    """
    plan = newton(-0.5, low, high, roundoff(plane))
    y = segments(plane, value, plan.knots, plan.values)
    value = kept(plane, value, low if below else None, high if above else None)
    for _ in range(plan.steps):
        square = plane.multiply(plane.multiply(value, y), y)
        y = plane.multiply(y, plane.affine(square, -0.5, 1.5))
    return Approximation(y, plan.relative)


def inverse(plane: Plane, value: str, low: float, high: float, below: bool = True) -> Approximation:
    """1 / v for v in [low, high], low > 0; outside it stays near the ends, as above."""
    plan = newton(-1.0, low, high, roundoff(plane))
    y = segments(plane, value, plan.knots, plan.values)
    value = kept(plane, value, low if below else None, high)
    for _ in range(plan.steps):
        y = plane.multiply(y, plane.affine(plane.multiply(value, y), -1.0, 2.0))
    return Approximation(y, plan.relative)


def inverse_of_either_sign(plane: Plane, value: str, low: float, high: float) -> Approximation:
    """1 / v for |v| in [low, high], as v (1 / sqrt(v^2))^2; towards zero it falls to zero."""
    value = kept(plane, value, -high, high)
    found = inverse_root(plane, plane.multiply(value, value), low * low, high * high, above=False)
    made = plane.multiply(plane.multiply(value, found.value), found.value)
    return Approximation(made, 2.1 * found.relative + 4 * roundoff(plane))


def root(plane: Plane, value: str, low: float, high: float) -> Approximation:
    """The square root for v in [0, high], as v / sqrt(v).

    Below low it is v / sqrt(low), which is off by sqrt(low) / 4 at most: the largest difference of sqrt(v) and that.
    Below zero the result stays at zero, above high near sqrt(high).
    """
    inside = kept(plane, plane.relu(value), None, high)
    found = inverse_root(plane, inside, low, high, above=False)
    return Approximation(plane.multiply(inside, found.value), found.relative + 2 * roundoff(plane), sqrt(low) / 4)


def decay(plane: Plane, value: str) -> Approximation:
    """exp(x) for x <= 0, within an absolute error; below -32 it stays at exp(-32). The clamp rounds by 32 u, then u."""
    above = plane.relu(plane.affine(value, 1.0, DECAY))  # as large as -x is, nothing of it is left
    found = sixteenth(plane, plane.affine(above, -1 / 16, DECAY / 16))
    return Approximation(found.value, 0.0, found.absolute + 33 * roundoff(plane))


def sixteenth(plane: Plane, value: str) -> Approximation:
    """exp(-16 z) for z in [0, 2.1], within an absolute error: the sixth Taylor polynomial, and four squarings.

    The remainder of the series is at most z^7 / 5040, and of the 16th power at most 16 times that times exp(-15 z):
    largest at z = 7 / 15. Horner's rule is off by u exp(2 z) (1 + 2 z) relative at most, which sixteen powers multiply
    by 16 exp(-16 z), largest at z = 0; the squarings round by 15 u together. At z = 2.1 the power is below exp(-29).
    """
    made = polynomial(plane, value, [(-1) ** power / factorial(power) for power in range(7)])
    for _ in range(4):
        made = plane.multiply(made, made)
    remainder = 16 * (7 / 15) ** 7 / 5040 * exp(-7)
    return Approximation(made, 0.0, remainder + 32 * roundoff(plane) + exp(-DECAY))


def exponential(plane: Plane, value: str, low: float, high: float) -> Approximation:
    """exp(x) for x in [low, high], within a relative error that grows with the range; outside it stays at the ends.

    The clamp rounds by 2 u times what is clamped.
    """
    below = plane.relu(plane.affine(plane.relu(plane.affine(value, 1.0, -low)), -1.0, high - low))
    inside = plane.affine(below, -1.0, high)
    found = _power(plane, inside, max(-low, high))
    return Approximation(found.value, found.relative + 2.2 * roundoff(plane) * (high - low + abs(high)))


def _power(plane: Plane, value: str, largest: float) -> Approximation:
    """exp(x) for |x| up to `largest`: a polynomial in z = x / 2^k with |z| up to Z = 1/2, and k squarings.

    The remainder of degree 8 is at most 1.1 Z^9 / 9!, exp(Z) times that relative; Horner's rule is off by
    u exp(2 Z) (1 + 2 Z) relative, and 2^k powers multiply both. The squarings round by (2^k - 1) u together.
    """
    squarings = max(0, ceil(log(max(largest, 0.5) / 0.5, 2) - 1e-9))
    u, z_most = roundoff(plane), max(largest, 0.5) / 2**squarings
    z = plane.affine(value, 2.0**-squarings) if squarings else value
    made = polynomial(plane, z, [1 / factorial(power) for power in range(9)])
    for _ in range(squarings):
        made = plane.multiply(made, made)
    each = 1.1 * z_most**9 / factorial(9) * exp(z_most) + u * exp(2 * z_most) * (1 + 2 * z_most) + u
    return Approximation(made, 1.1 * 2**squarings * each)


def logarithm(plane: Plane, value: str, low: float, high: float) -> Approximation:
    """log(v) for v in [low, high], within an absolute error; outside it stays near the ends.

    Chords of ratio r are off by log(r)^2 / 8, half of that where they are raised by the other half. With y so found,
    log(v) = y + log(1 + w), w = v exp(-y) - 1: what y is off by, so that the series can end with the fifth power (what
    is left out is at most |w|^6 / (6 (1 - |w|))), and only the relative error of exp(-y) counts.
    """
    u = roundoff(plane)
    count = max(4, ceil(log(high / low) / _LOG_STEP))
    knots = [float(knot) for knot in geometric(low, high, count, u)]
    chord = (log(high / low) / count) ** 2 / 16
    y = segments(plane, value, knots, [log(knot) + chord for knot in knots])
    largest = max(abs(log(low)), abs(log(high))) + 0.1
    inverted = _power(plane, plane.affine(y, -1.0), largest)
    product = plane.multiply(kept(plane, value, low, high), inverted.value)
    rest = polynomial(plane, plane.affine(product, 1.0, -1.0), _LOG_SERIES)
    off = 1.1 * (chord + gamma(count + 4, u) * (log(high / low) + largest))
    w = exp(off) - 1 + inverted.relative
    left_out = w ** len(_LOG_SERIES) / (len(_LOG_SERIES) * (1 - w))
    return Approximation(plane.add(y, rest), 0.0, 1.1 * (inverted.relative + left_out + 8 * u + u * largest))


def log_of_one_more(plane: Plane, value: str) -> Approximation:
    """log(1 + v) for v in [0, 1], as v q(v), so that it vanishes with v.

    q interpolates log(1 + v) / v in Chebyshev's points. That function is at most 2.02 in the ellipse of parameter 5
    about the interval, so that degree 11 is off by 4 x 2.02 / (5^11 x 4) at most (Trefethen, Approximation Theory and
    Approximation Practice, theorem 8.2). Horner's rule is off by gamma(22) times the sum of the magnitudes.
    """
    coefficients = _quotient()
    q = polynomial(plane, value, coefficients)
    rounding = gamma(2 * len(coefficients), roundoff(plane)) * sum(map(abs, coefficients))
    return Approximation(plane.multiply(value, q), 0.0, 4.2e-8 + rounding)


@lru_cache(maxsize=1)
def _quotient() -> tuple[float, ...]:
    """Coefficients of the polynomial for log(1 + v) / v, from the constant term up."""
    from numpy import log1p
    from numpy.polynomial import Chebyshev, Polynomial

    fitted = Chebyshev.interpolate(lambda v: log1p(v) / v, 11, domain=[0, 1])
    return tuple(float(entry) for entry in fitted.convert(kind=Polynomial).coef)


def polynomial(plane: Plane, value: str, coefficients: Sequence[float]) -> str:
    """The sum of c[k] v^k by Horner's rule."""
    made = plane.affine(value, coefficients[-1], coefficients[-2])
    for coefficient in reversed(coefficients[:-2]):
        made = plane.multiply(made, value)
        made = plane.affine(made, 1.0, coefficient) if coefficient else made
    return made
