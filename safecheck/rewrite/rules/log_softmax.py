"""LogSoftmax and ReduceLogSumExp: the logarithm of the sum that `softmax.py` divides by, made on one channel.

log(sum exp(x)) = m + 1/4 + log(sum exp(d - 1/4)) for d = x - m and any m near the maximum, so that what the maximum is
off by cancels.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import exp, log
from typing import Any

from safecheck.ir.protos import numpy_type
from safecheck.rewrite.algebra import arrange
from safecheck.rewrite.algebra.approximate import DECAY, logarithm
from safecheck.rewrite.algebra.channels import Channels, as_channels
from safecheck.rewrite.algebra.plane import Plane
from safecheck.rewrite.algebra.pointwise import WIDE
from safecheck.rewrite.algebra.rounding import gamma, unit
from safecheck.rewrite.attributes import axes_of
from safecheck.rewrite.builder import Builder
from safecheck.rewrite.graph import MutableGraph
from safecheck.rewrite.masks import LOWEST, masked_scores, normalised_axes
from safecheck.rewrite.movement.factor import FactorError
from safecheck.rewrite.rule import Candidate, Claim, Match, Range
from safecheck.rewrite.rules.softmax import FP16, NONFINITE, SLACK, exponentials, reach, sums_between

_MASKED = f"numbers below {LOWEST:g} are mixed into the entries, and their logarithms are wanted"
_OUTSIDE = "the result is finite, but entries near the largest one may count as equal to it, or as nothing"


class LogSoftmaxToConvolution:
    """LogSoftmax over any axis, and ReduceLogSumExp over any axes."""

    name = "log-softmax-to-convolution"
    remedies: tuple[str, ...] = ()

    def match(self, graph: MutableGraph, node: Any) -> Match | None:
        """Offer the program over channels."""
        if node.op_type not in ("LogSoftmax", "ReduceLogSumExp"):
            return None
        dims, made, dtype = graph.dims(node.input[0]), graph.dims(node.output[0]), graph.tensor(node.input[0]).dtype
        if not dims or made is None or not arrange.fits(dims):
            return Match((node,), reason="the shape of the input is not fixed, empty or too large")
        if dtype != "FLOAT":
            return Match((node,), reason=FP16 if dtype == "FLOAT16" else f"a convolution of {dtype} does not exist")
        reduces = node.op_type == "ReduceLogSumExp"
        axes = axes_of(graph, node, len(dims)) if reduces else normalised_axes(graph, node, len(dims))
        if not axes:
            return Match((node,), reason="the axes are computed, or there are none")
        scores = masked_scores(graph, node.input[0], axes)
        if isinstance(scores, str) or scores.clamped or scores.mask is not None:
            return Match((node,), reason=_MASKED)
        try:
            return Match((node,), (_candidate(graph, node, axes, reduces),))
        except (FactorError, ValueError) as failure:
            return Match((node,), reason=str(failure))


@dataclass(frozen=True)
class _LogSum:
    source: str
    map_: Any
    back: Any
    channels: Channels
    reduces: bool
    absolute: float
    """Error of the exponentials and of the logarithm."""
    logarithm: float

    def limit(self, feed: Mapping[str, Any], expected: Any) -> Any:
        """What the sum Z is off by relative to it (as in `softmax.py`), the logarithm's error, and the sums' rounding.

        The original rounds likewise: its differences by u |d|, its sums by u times the largest number in them.
        """
        import numpy

        u = unit("FLOAT")
        with numpy.errstate(all="ignore"):
            x = feed[self.source].astype(numpy.float64).reshape(-1)[self.map_]
            top = x.max(1, keepdims=True)
            total = numpy.exp(x - top).sum(1, keepdims=True)
            count = self.channels.count
            bound = self.absolute * count / (total * exp(-2 * SLACK)) + 2 * gamma(count + 150, u) + self.logarithm
            size = log(count) + 1 + (numpy.abs(top) if self.reduces else numpy.abs(x - top))
            bound = numpy.where(
                numpy.abs(x).max(1, keepdims=True) <= reach(self.channels), bound + 12 * u * size, numpy.inf
            )
        return bound.reshape(-1)[self.back]


def _candidate(graph: MutableGraph, node: Any, axes: tuple[int, ...], reduces: bool) -> Candidate:
    import numpy

    result = node.output[0]
    dims, made_dims = graph.dims(node.input[0]) or (), graph.dims(result) or ()
    builder = Builder(graph, result)
    numbers = as_channels(dims, axes)
    batch, count, places, _ = numbers.shape
    channels = Channels(builder, batch, count, places, numpy_type("FLOAT"))
    if not channels.fits:
        raise ValueError(f"{count} entries are summed, a number with a prime factor above {WIDE}")
    source, value, map_ = arrange.pull_as(builder, node.input[0], numbers)
    one = Plane(builder, (batch, 1, places, 1), "FLOAT")
    peak = channels.maximum(value)
    differences = builder.add("Add", [value, channels.spread(peak, -1.0)])
    plane = Plane(builder, numbers.shape, "FLOAT")
    powers = exponentials(channels, plane.leave(plane.affine(plane.view(differences), 1.0, DECAY)))
    found = logarithm(one, channels.sum(powers.value), *sums_between(channels))
    if reduces:
        made = builder.add("Add", [peak, one.affine(found.value, 1.0, SLACK)])
        wanted, shape = numpy.arange(batch * places).reshape(made_dims), (batch, 1, places, 1)
    else:
        made = builder.add("Add", [differences, channels.spread(found.value, -1.0, -SLACK)])
        wanted, shape = numpy.argsort(numbers.reshape(-1)).reshape(dims), numbers.shape
    target, made, back = arrange.push(builder, made, result, wanted, shape)
    log_sum = _LogSum(source, map_, back, channels, reduces, powers.absolute, found.absolute)
    most = reach(channels)
    claim = Claim(
        "bounded", "the logarithm of a sum of exponentials of differences from the largest entry", finite_only=True,
        caveats=(NONFINITE,), limit=log_sum.limit,
        bound=f"{powers.absolute:.1e} per exponential, {found.absolute:.1e} of the logarithm, and rounding",
        ranges=(Range("entries before their logarithms are summed", -most, most, "assumed", "assumed", _OUTSIDE),),
    )  # fmt: skip
    return Candidate(builder.replacement([source], {target: made}), claim)
