"""Fit logit(Phi(x)) by an odd polynomial, and bound the error of its sigmoid for all x.

    python benchmarks/fit_gelu.py            # prints coefficients and the error
    python benchmarks/fit_gelu.py --check    # only the error of those in safecheck/rewrites/gelu.py

On a grid of width h the error exceeds its largest value on the grid by at most h^2 / 8 times the largest curvature,
which is taken as twice the largest one on the grid. Beyond 7 both functions are within 1e-11 of 1, because p grows from
there on.
"""

from __future__ import annotations

import argparse
import math

import numpy as np

from safecheck.rewrites.gelu import EXACT, EXACT_ERROR

TERMS = 7
REACH = 7.0


def phi(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Phi(x) and 1 - Phi(x), both with full relative accuracy."""
    upper = np.array([0.5 * math.erfc(value / math.sqrt(2)) for value in values])
    lower = np.array([0.5 * math.erfc(-value / math.sqrt(2)) for value in values])
    return lower, upper


def fit() -> list[float]:
    """Least squares, weighted anew until the largest errors are alike (Lawson's algorithm)."""
    x = np.linspace(1e-4, REACH, 6001)
    lower, upper = phi(x)
    target = np.log(lower) - np.log(upper)
    powers = np.stack([x ** (2 * power + 1) for power in range(TERMS)], 1)
    scale = np.abs(powers).max(0)
    slope = lower * upper * np.maximum(x, 0.3)
    weights = np.ones_like(x)
    best = (math.inf, np.zeros(TERMS))
    for _ in range(400):
        rows = (slope * weights)[:, None]
        found = np.linalg.lstsq(powers * rows / scale, target * rows[:, 0], rcond=None)[0] / scale
        error = np.abs(1 / (1 + np.exp(-powers @ found)) - lower) * np.maximum(x, 1)
        if error.max() < best[0]:
            best = (float(error.max()), found)
        weights *= (error / error.max() + 1e-3) ** 0.3
        weights /= weights.max()
    return [float(value) for value in best[1]]


def error(coefficients: tuple[float, ...] | list[float]) -> float:
    """A bound of |sigmoid(p(x)) - Phi(x)| max(1, |x|) for all x; by symmetry for x >= 0."""
    worst = 0.0
    powers = range(len(coefficients))
    for start in np.arange(0.0, REACH, 0.05):
        x = np.linspace(start, start + 0.05, 1001)
        lower, _ = phi(x)
        p, first, second = (
            sum(
                coefficients[k] * math.perm(2 * k + 1, order) * x ** (2 * k + 1 - order)
                for k in powers
                if 2 * k + 1 >= order
            )
            for order in range(3)
        )
        gate = 1 / (1 + np.exp(-p))
        slope = gate * (1 - gate)
        density = np.exp(-x * x / 2) / math.sqrt(2 * math.pi)
        bend = np.abs(slope * (1 - 2 * gate)) * first**2 + slope * np.abs(second) + x * density
        curvature = 2 * float((np.maximum(x, 1) * bend + 2 * np.abs(slope * first - density)).max())
        width = float(x[1] - x[0])
        worst = max(worst, float((np.abs(gate - lower) * np.maximum(x, 1)).max()) + width**2 / 8 * curvature)
    tail = np.linspace(REACH, 100, 10_000)
    beyond = sum(value * tail ** (2 * power + 1) for power, value in enumerate(coefficients))
    assert bool((np.diff(beyond) > 0).all()), "the polynomial has to grow beyond the fitted range"
    return max(worst, float((tail * (np.exp(-beyond) + phi(tail)[1])).max()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true")
    coefficients = EXACT if parser.parse_args().check else fit()
    found = error(coefficients)
    print(coefficients)
    print(f"error at most {found:.3g}, claimed {EXACT_ERROR:g}")
    assert found <= EXACT_ERROR


if __name__ == "__main__":
    main()
