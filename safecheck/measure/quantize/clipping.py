"""Where to clip: from a histogram of magnitudes to the largest value that INT8 shall represent.

Symmetric INT8 without -128, as TensorRT uses it: 127 steps to either side, the scale is the threshold / 127.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from safecheck.measure.quantize.histogram import Histogram

STEPS = 127
LEVELS = 128
"""Magnitudes that INT8 tells apart: what the entropy method merges bins into."""
_CANDIDATES = 256
"""Thresholds that the mse method tries, in equal steps up to the largest value."""
METHODS = ("entropy", "percentile", "minmax", "mse")


def threshold(histogram: Histogram, method: str, percentile: float) -> float:
    """The clipping threshold by one of METHODS; 0 for a tensor of zeros."""
    if not histogram.used.size:
        return 0.0
    chosen = {
        "minmax": lambda: float(histogram.largest),
        "percentile": lambda: _percentile(histogram, percentile),
        "entropy": lambda: entropy_bins(_coarse(histogram.used)) * 2 * histogram.width,
        "mse": lambda: _mse(histogram),
    }[method]()
    return min(chosen, float(histogram.largest))


def _percentile(histogram: Histogram, percentile: float) -> float:
    """Upper edge of the bin below which that share of all values lies, zeros included."""
    below = np.cumsum(histogram.counts) + histogram.zeros
    return (int(np.searchsorted(below, below[-1] * (percentile / 100))) + 1) * histogram.width


def _coarse(used: Any) -> Any:
    """At most 2048 bins, as in the published method."""
    padded = np.append(used, 0) if used.size % 2 else used
    return padded.reshape(-1, 2).sum(axis=1)


def entropy_bins(counts: Any) -> int:
    """How many bins to keep so that the quantised distribution diverges least from the clipped one.

    Method: S. Migacz, 8-bit Inference with TensorRT, GTC 2017, s7310. For each number of bins from 128 on, the bins
    beyond it are added to the last one kept (reference P), and the kept ones are merged into 128 levels, each spread
    evenly over its bins that are not empty (candidate Q); the smallest Kullback-Leibler divergence of Q from P wins.
    Where P has mass and Q has none the divergence is infinite. What is left of the sum is a sum over levels:
    KL = (sum of p log p - sum over levels of P_level log q_level) / total - log(total / total of Q).
    """
    bins = int(counts.size)
    if bins <= LEVELS:
        return bins
    sums = np.concatenate([[0], np.cumsum(counts)]).astype(np.float64)
    filled = np.concatenate([[0], np.cumsum(counts > 0)]).astype(np.float64)
    informations = np.concatenate([[0.0], np.cumsum(_x_log_x(counts.astype(np.float64)))])
    total = sums[-1]
    best, least = bins, np.inf
    for kept in range(LEVELS, bins + 1):
        last, beyond = counts[kept - 1], total - sums[kept]
        if beyond and not last:
            continue
        edges = (np.arange(LEVELS + 1) * kept + LEVELS - 1) // LEVELS
        mass, places = np.diff(sums[edges]), np.diff(filled[edges])
        heights = np.log(mass / np.maximum(places, 1), out=np.zeros(LEVELS), where=mass > 0)
        mass[-1] += beyond
        own = informations[kept - 1] + _x_log_x(np.float64(last + beyond))
        divergence = (own - (mass * heights).sum()) / total - np.log(total / sums[kept])
        if divergence < least:
            best, least = kept, float(divergence)
    return best


def _x_log_x(values: Any) -> Any:
    return values * np.log(np.maximum(values, 1))


def _mse(histogram: Histogram) -> float:
    """The threshold with the least mean squared error of quantisation, values taken as even within their bin.

    Zeros are represented exactly, so they do not matter.
    """
    used = histogram.used
    edges = np.arange(used.size + 1) * histogram.width
    candidates = float(histogram.largest) * np.arange(1, _CANDIDATES + 1) / _CANDIDATES
    errors = [float(np.dot(used, np.diff(_squares(edges, limit)))) for limit in candidates]
    return float(candidates[int(np.argmin(errors))])


def _squares(edges: Any, limit: float) -> Any:
    """Integral from 0 to each edge of the squared error that clipping at `limit` and rounding make.

    Within the steps of width s the error of x is x - s n with n = round(x / s); one whole step integrates to s**3 / 12,
    from its middle to a point r away from it to r**3 / 3. Beyond the last step the error goes on growing.
    """
    step = limit / STEPS
    nearest = np.minimum(np.round(edges / step), STEPS)
    return nearest * step**3 / 12 + (edges - nearest * step) ** 3 / 3
