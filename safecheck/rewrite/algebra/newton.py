"""How many segments and steps of Newton's iteration reach 1 / sqrt(v) or 1 / v on a range at the least price."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from safecheck.rewrite.algebra.rounding import gamma

_COUNTS = (4, 6, 8, 12, 16, 20, 24, 32, 40, 48, 64, 80, 96, 128, 192, 256)
"""Numbers of segments that are tried."""
_STEP_COSTS = {-0.5: 32, -1.0: 28}
"""What one step of Newton's iteration costs, where one segment costs 4 (each is written and read twice): passes over
one channel, and what starting four or three layers takes."""
_ENOUGH = 8
"""Unit roundoffs of relative error at which an iteration may end; one step alone rounds by 4."""


@dataclass(frozen=True)
class Newton:
    """How a power -1/2 or -1 is approximated on a range."""

    knots: tuple[float, ...]
    values: tuple[float, ...]
    """What the segments make of the knots: off by at most `start`."""
    start: float
    steps: int
    relative: float
    """The error in the end, rounding included."""


@lru_cache(maxsize=256)
def newton(exponent: float, low: float, high: float, unit: float) -> Newton:
    """The cheapest number of segments and steps for v^exponent, -1/2 or -1, on a range of positive numbers."""
    plans = []
    for count in _COUNTS:
        start = _chord(exponent, (high / low) ** (1 / count))
        error = start / (2 + start) + gamma(count + 8, unit) * (1 + start)
        steps = 0
        while error > _ENOUGH * unit and error < 0.5 and steps < 8:
            error, steps = _after_step(exponent, error, unit), steps + 1
        if error <= _ENOUGH * unit:
            plans.append((4 * count + steps * _STEP_COSTS[exponent], count, start, steps, error))
    if not plans:
        raise ValueError(f"no number of segments reaches from {low} to {high}")
    _, count, start, steps, error = min(plans)
    knots = [float(knot) for knot in geometric(low, high, count, unit)]
    # A chord is above a convex function everywhere: lowered by half of its error it is as far above as below.
    values = tuple(2 / (2 + start) * knot**exponent for knot in knots)
    return Newton(tuple(knots), values, start / (2 + start), steps, error)


def geometric(low: float, high: float, count: int, unit: float) -> Any:
    """Geometric knots as numbers of the type."""
    import numpy

    return numpy.geomspace(low, high, count + 1).astype(numpy.float32 if unit < 1e-6 else numpy.float16)


def _chord(exponent: float, ratio: float) -> float:
    """How far the chord of v^exponent from 1 to `ratio` is above the function at most, relative to it.

    The quotient (a + b v) v^-p is largest at v = p a / (b (1 - p)).
    """
    b = (ratio**exponent - 1) / (ratio - 1)
    a = 1 - b
    worst = exponent * a / (b * (1 - exponent))
    return float((a + b * worst) * worst**-exponent - 1)


def _after_step(exponent: float, error: float, unit: float) -> float:
    if exponent == -0.5:
        return 1.5 * error**2 + 0.5 * error**3 + 4 * unit * (1 + error) ** 3
    return error**2 + 4 * unit * (1 + error) ** 2
