"""Fit the polynomial behind `safecheck/rewrite/rules/gelu.py` and show how far it is off, for every real number.

    python benchmarks/fit_gelu.py          # the error of the coefficients in use
    python benchmarks/fit_gelu.py --fit    # fit them again

The claim is |s(p(x)) - Phi(x)| <= FIT with s(x) = 1 / (1 + exp(-x)) and p odd. Both sides are odd around 1/2, so x >= 0
is enough. On [0, END] the difference e is evaluated on a grid of step h; between neighbours it is at most
max |e''| h^2 / 8 above the larger end, with |e''| <= max |s''| max p'^2 + max |s'| max |p''| + max |phi'|. Beyond END,
p grows, because p' has no real root there and is positive, so both sides lie between their value at END and 1.
"""

from __future__ import annotations

import argparse
import math

import numpy as np

from safecheck.rewrite.rules.gelu import FIT, LOGIT_OF_PHI

END = 6.0
BLOCK = 0.25
STEP = 4e-6
TYPES = {"FLOAT": np.float32, "FLOAT16": np.float16}
_ERFC = np.vectorize(math.erfc, otypes=[np.float64])


def upper(x):
    """1 - Phi(x), without cancellation."""
    return _ERFC(x / math.sqrt(2)) / 2


def shown_error(coefficients) -> float:
    """The largest |s(p(x)) - Phi(x)| over all x, rounding of float64 aside (below 1e-15)."""
    terms = [0.0, *(part for c in coefficients for part in (c, 0.0))][:-1]
    p = np.polynomial.Polynomial(terms, domain=[-4, 4], window=[-1, 1])
    first, second = p.deriv(1), p.deriv(2)
    worst = 0.0
    for start in np.arange(0, END, BLOCK):
        x = np.arange(start, start + BLOCK + STEP, STEP)
        curvature = 0.0963 * np.abs(first(x)).max() ** 2 + 0.25 * np.abs(second(x)).max() + 0.2420
        slack = 1.01 * curvature * STEP**2 / 8  # 1 % for what the derivatives do between neighbours
        worst = max(worst, float(np.abs(1 / (1 + np.exp(p(x))) - upper(x)).max()) + slack)
    turning = [root.real for root in first.roots() if abs(root.imag) < 1e-9 and root.real >= END]
    if turning or first(END) <= 0:
        raise SystemExit("p does not grow beyond the grid")
    tail = max(1 / (1 + math.exp(p(END))), float(upper(np.array([END]))[0]))
    return max(worst, tail)


def fitted(degree: int = 6, rounds: int = 20000):
    """Least squares, reweighted until the largest error stops falling (Lawson's method)."""
    x = 3.5 - 3.5 * np.cos(np.linspace(0, np.pi, 4001))[1:]
    above = upper(x)
    logit = np.log1p(-above) - np.log(above)
    powers = np.stack([(x / 4) ** (2 * k + 1) for k in range(degree + 1)], 1)
    weight, slope, best = np.ones_like(x), above * (1 - above), (math.inf, None)
    for _ in range(rounds):
        row = np.sqrt(weight) * slope
        c = np.linalg.lstsq(powers * row[:, None], logit * row, rcond=None)[0]
        error = np.abs(1 / (1 + np.exp(powers @ c)) - above)
        if c[-1] > 0 and error.max() < best[0]:
            best = (float(error.max()), c)
        weight *= (error / error.max() + 1e-3) ** 0.3
        weight /= weight.mean()
    return best[1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--fit", action="store_true", help="fit the coefficients again")
    coefficients = fitted() if parser.parse_args().fit else LOGIT_OF_PHI
    print("coefficients:", ", ".join(f"{c:.9g}" for c in coefficients))
    for name, kind in TYPES.items():
        rounded = [float(kind(c)) for c in coefficients]
        print(f"{name}: |s(p(x)) - Phi(x)| <= {shown_error(rounded):.3g}; claimed {FIT[name]:.3g}")


if __name__ == "__main__":
    main()
