"""Softmax over channels: the maximum by halving, exponentials as powers of a polynomial, and one over their sum.

Softmax does not change when one number is taken from all entries, so the maximum may be off, as sums round: only the
exponents have to stay where their exponentials are told from zero. d = x - maximum is clamped to [-32, 1/4] by two
Relu, exp(d - 1/4) is the 16th power of a polynomial, the sum is one convolution, and its inverse is made on one
channel by segments and Newton's steps (`algebra/approximate.py`). Of two entries it is a sigmoid of the difference.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import exp, prod
from typing import Any

from safecheck.ir.protos import numpy_type
from safecheck.rewrite.algebra import arrange, constants
from safecheck.rewrite.algebra.approximate import DECAY, Approximation, inverse, kept, sixteenth
from safecheck.rewrite.algebra.channels import Channels, as_channels
from safecheck.rewrite.algebra.plane import Plane
from safecheck.rewrite.algebra.pointwise import WIDE
from safecheck.rewrite.algebra.rounding import FLOATS, gamma, smallest, unit
from safecheck.rewrite.builder import Builder
from safecheck.rewrite.graph import MutableGraph
from safecheck.rewrite.masks import HUGE, LOWEST, Scores, masked_scores, normalised_axes
from safecheck.rewrite.movement.factor import FactorError
from safecheck.rewrite.rule import Candidate, Claim, Match, Range

SLACK = 0.25
"""By how much the computed maximum may be off: entries are told apart up to so far above it."""
NONFINITE = "infinities and NaN spread over all entries that are normalised together"
FP16 = "in FP16 the exponentials of more than two entries are off by up to 7 parts in a hundred; keep this part in FP32"
OUTSIDE = "the result is between 0 and 1, but entries near the largest one may count as equal to it, or as nothing"


class SoftmaxToConvolution:
    """Softmax over any axis, also as operator sets before 13 have it; with a constant mask that is added before it."""

    name = "softmax-to-convolution"
    remedies: tuple[str, ...] = ()

    def match(self, graph: MutableGraph, node: Any) -> Match | None:
        """Offer the program over channels."""
        if node.op_type != "Softmax":
            return None
        dims, dtype = graph.dims(node.input[0]), graph.tensor(node.input[0]).dtype
        if dims is None or not dims or not arrange.fits(dims):
            return Match((node,), reason="the shape of the input is not fixed, empty or too large")
        if dtype not in FLOATS:
            return Match((node,), reason=f"a convolution of {dtype} does not exist")
        axes = normalised_axes(graph, node, len(dims))
        if dtype == "FLOAT16" and prod(dims[axis] for axis in axes) > 2:
            return Match((node,), reason=FP16)
        scores = masked_scores(graph, node.input[0], axes)
        if isinstance(scores, str):
            return Match((node,), reason=scores)
        if dtype == "FLOAT16" and (scores.mask is not None or scores.clamped):
            return Match((node,), reason="masks of scores in FP16 are not lowered; keep this part in FP32")
        try:
            candidate = _candidate(graph, node, scores, axes)
        except (FactorError, ValueError) as failure:
            return Match((node,), reason=str(failure))
        return Match((node, *scores.nodes), (candidate,))


@dataclass(frozen=True)
class _Softmax:
    """One softmax while it is written; arrays are [batch, entries, places, 1]."""

    source: str
    dtype: str
    map_: Any
    back: Any
    scores: Scores
    mask: Any | None
    channels: Channels
    relative: float
    """Relative error of the inverse of the sum."""
    absolute: float
    """Error of the exponentials, which are at most 1."""

    def limit(self, feed: Mapping[str, Any], expected: Any) -> Any:
        """With E the exact exponentials and Z their sum, of which Z exp(-2 slack) is left by what the maximum is off.

        Every exponential is off by `absolute` and by 66 u relative (two clamps), so that their sum is off by N times as
        much, relative to Z, besides gamma(N). The original rounds likewise, without the clamps. Of two entries nothing
        is clamped or added up: the original rounds four times.
        """
        import numpy

        with numpy.errstate(all="ignore"):
            x = feed[self.source].astype(numpy.float64).reshape(-1)[self.map_]
            inside = numpy.abs(x).max(1, keepdims=True) <= self.scores.reach
            x = x if self.mask is None else x + self.mask
            if self.scores.clamped:
                inside &= x.min(1, keepdims=True) >= HUGE
                x = numpy.maximum(x, LOWEST)
            powers = numpy.exp(x - x.max(1, keepdims=True))
            total = powers.sum(1, keepdims=True)
            share, count = powers / total, self.channels.count
            roundings = count + 150 if count > 2 else 4
            relative = 2 * gamma(roundings, unit(self.dtype)) + self.relative
            bound = self.absolute / (total * exp(-2 * SLACK)) * (1 + count * share) + share * relative
            bound = numpy.where(inside & (numpy.abs(x).max(1, keepdims=True) <= reach(self.channels)), bound, numpy.inf)
        return bound.reshape(-1)[self.back] + 8 * smallest(self.dtype)


def _candidate(graph: MutableGraph, node: Any, scores: Scores, axes: tuple[int, ...]) -> Candidate:
    import numpy

    result = node.output[0]
    dims, dtype = graph.dims(result) or (), graph.tensor(result).dtype or ""
    kind = numpy_type(dtype)
    builder = Builder(graph, result)
    numbers = as_channels(dims, axes)
    batch, count, places, _ = numbers.shape
    channels = Channels(builder, batch, count, places, kind)
    if not channels.fits:
        raise ValueError(f"{count} entries are normalised together, a number with a prime factor above {WIDE}")
    source, value, map_ = arrange.pull_as(builder, scores.name, numbers)
    mask = None
    if scores.mask is not None:
        mask = numpy.broadcast_to(scores.mask, dims).reshape(-1)[numbers]
        same = bool((mask == mask[:1]).all())
        added = constants.computed(builder, value, mask.astype(kind), numbers.shape, batch if same else 1)
        value = builder.add("Add", [value, added])
    if scores.clamped:
        plane = Plane(builder, numbers.shape, "FLOAT")
        value = plane.leave(kept(plane, plane.view(value), LOWEST))
    write = _constant if count == 1 else _sigmoid if count == 2 else _powers
    made, relative, absolute = write(channels, value)
    order = numpy.argsort(numbers.reshape(-1)).reshape(dims)
    target, made, back = arrange.push(builder, made, result, order, numbers.shape)
    softmax = _Softmax(source, dtype, map_, back, scores, mask, channels, relative, absolute)
    replacement = builder.replacement([source], {target: made})
    return Candidate(replacement, _claim(softmax, scores))


def _constant(channels: Channels, value: str) -> tuple[str, float, float]:
    """Of one entry all is 1."""
    import numpy

    zero, one = numpy.zeros((1, 1, 1, 1), channels.kind), numpy.ones(1, channels.kind)
    return channels.builder.conv(value, zero, one), 0.0, 0.0


def _sigmoid(channels: Channels, value: str) -> tuple[str, float, float]:
    """Of two entries: 1 / (1 + exp(b - a)) and the same for b. Sigmoids are off by 2e-8 everywhere.

    The difference d rounds by u |d|, of which d exp(-d) / (1 + exp(-d))^2 < 1/4 is left.
    """
    import numpy

    gaps = numpy.array([[1, -1], [-1, 1]], channels.kind)[:, :, None, None]
    rounding = float(numpy.finfo(channels.kind).eps) / 2
    return channels.builder.add("Sigmoid", [channels.builder.conv(value, gaps)]), 0.0, 2e-8 + rounding


def _powers(channels: Channels, value: str) -> tuple[str, float, float]:
    lowered = channels.spread(channels.maximum(value), -1.0, DECAY)
    powers = exponentials(channels, channels.builder.add("Add", [value, lowered]))
    one = Plane(channels.builder, (channels.batch, 1, channels.places, 1), "FLOAT")
    found = inverse(one, channels.sum(powers.value), *sums_between(channels))
    made = channels.builder.add("Mul", [powers.value, channels.spread(found.value)])
    return made, found.relative, powers.absolute


def exponentials(channels: Channels, value: str) -> Approximation:
    """exp(d - 1/4) of d + 32, d being a difference from the maximum; clamped to [-32, 1/4]."""
    plane = Plane(channels.builder, channels.shape, "FLOAT")
    above = plane.relu(value)  # d + 32, from 0 on
    below = plane.relu(plane.affine(plane.view(above), -1 / 16, (DECAY + SLACK) / 16))  # (1/4 - d) / 16
    powers = sixteenth(plane, below)
    return replace(powers, value=plane.leave(powers.value))


def sums_between(channels: Channels) -> tuple[float, float]:
    """Between which numbers the sum of the exponentials is; the largest one is at least exp(-2 slack)."""
    return exp(-2 * SLACK) * 0.99, channels.count * 1.01


def reach(channels: Channels) -> float:
    """Magnitudes up to which the maximum is off by no more than the slack.

    A difference and a sum of two entries round by 4 u of the largest magnitude at every level, and the difference from
    32 by another two.
    """
    return SLACK / ((4 * channels.levels + 2) * unit("FLOAT"))


def _claim(softmax: _Softmax, scores: Scores) -> Claim:
    most = min(reach(softmax.channels), scores.reach)
    low = HUGE if scores.clamped else -most
    where = Range("entries before they are normalised", low, most, "assumed", "assumed", OUTSIDE)
    plain = softmax.channels.count > 2
    caveats = (NONFINITE, *scores.caveats)
    bound = f"{softmax.absolute:.1e} per exponential and {softmax.relative:.1e} of their sum's inverse, and rounding"
    return Claim(
        "bounded", "exponentials of differences from the largest entry, divided by their sum", finite_only=True,
        caveats=caveats, limit=softmax.limit, bound=bound, ranges=(where,) if plain or scores.mask is not None else (),
    )  # fmt: skip
