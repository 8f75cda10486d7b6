"""The share of an element in the sum of the magnitudes beside it: LpNormalization with p = 1.

Magnitudes are relu(x) + relu(-x), their sum is one channel, 1 / sum comes by segments and Newton's iteration, and is
spread again. Where all elements are zero the shares are, as in onnxruntime.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from safecheck.rewrite.algebra import approximate, arrange
from safecheck.rewrite.algebra.plane import UNSIGNED_ZERO, Plane
from safecheck.rewrite.algebra.ranged import POSITIVE
from safecheck.rewrite.algebra.rounding import gamma, smallest, unit
from safecheck.rewrite.algebra.together import added, arranged, spread, too_many
from safecheck.rewrite.attributes import integer
from safecheck.rewrite.builder import Builder
from safecheck.rewrite.graph import MutableGraph
from safecheck.rewrite.movement.factor import FactorError
from safecheck.rewrite.ranges import Quantity, Ranges
from safecheck.rewrite.rule import Candidate, Claim, Match, Range, Source

_DTYPE = "FLOAT"
_NONFINITE = "infinities and NaN spread over all that is normalised together"


def unit_sum(graph: MutableGraph, node: Any) -> Match:
    """Offer the program over channels for a node that divides by the sum of magnitudes."""
    dims, dtype = graph.dims(node.input[0]), graph.tensor(node.input[0]).dtype
    if dims is None or not dims or not arrange.fits(dims):
        return Match((node,), reason="the shape of the input is not fixed, empty or too large")
    if dtype != _DTYPE:
        return Match((node,), reason="the range of a quotient does not fit into FP16; keep it in FP32")
    axis = integer(node, "axis", -1) % len(dims)
    if refusal := too_many(dims[axis]):
        return Match((node,), reason=refusal)
    try:
        return Match((node,), (_candidate(graph, node, dims, axis),))
    except FactorError as failure:
        return Match((node,), reason=str(failure))


def _candidate(graph: MutableGraph, node: Any, dims: tuple[int, ...], axis: int) -> Candidate:
    import numpy

    name, result, count = node.input[0], node.output[0], dims[axis]
    builder = Builder(graph, result)
    numbers = arranged(dims, (axis,))
    source, value, map_ = arrange.pull(builder, name, numbers)
    whole = Plane(builder, map_.shape, _DTYPE)
    plane = Plane(builder, (map_.shape[0], 1, *map_.shape[2:]), _DTYPE)
    limits = _range(graph, name, dims, axis)
    seen = whole.view(value)
    magnitudes = whole.leave(whole.add(whole.relu(seen), whole.relu(whole.affine(seen, -1.0))))
    start = len(builder.nodes)
    found = approximate.inverse(plane, added(builder, magnitudes, map_.shape, 1.0), limits.low, limits.high)
    keep = tuple(new.output[0] for new in builder.nodes[start:])
    made = whole.multiply(value, spread(builder, found.value, map_.shape))
    places = numpy.argsort(numbers.reshape(-1)).reshape(dims)
    target, value, back = arrange.push(builder, made, result, places, map_.shape)
    u, sum_error = unit(_DTYPE), gamma(count + 8, unit(_DTYPE))
    relative = 1.1 * (2 * sum_error + found.relative + 4 * u)

    def limit(feed: Mapping[str, Any], expected: Any) -> Any:
        """Either sum is within gamma of the exact one, all terms having one sign; then a quotient, or two products."""
        x = numpy.abs(feed[source].reshape(-1)[map_].astype(numpy.float64))
        total = x.sum(1, keepdims=True)
        inside = (total * (1 - sum_error) >= limits.low) & (total * (1 + sum_error) <= limits.high)
        share = numpy.divide(x, total, out=numpy.zeros_like(x), where=inside)
        return numpy.where(inside, relative * share + 8 * smallest(_DTYPE), numpy.inf).reshape(-1)[back]

    claim = Claim(
        "bounded", "segments and Newton's iteration for 1 / sum of the magnitudes",
        finite_only=True, caveats=(UNSIGNED_ZERO, _NONFINITE), limit=limit, bound=f"{relative:.2g} |result|",
        ranges=(limits,), keep=keep,
    )  # fmt: skip
    return Candidate(builder.replacement([source], {target: value}), claim)


def _range(graph: MutableGraph, name: str, dims: tuple[int, ...], axis: int) -> Range:
    """The sums for which the bound holds."""
    low, high = POSITIVE
    measured = graph.memo(Ranges).of(graph, Quantity(name, "magnitudes", dims, (axis,)))
    if measured is not None:
        low = measured.low if measured.low > 0 else low
        high = max(measured.high, 4 * low)
    ends: Source = "measured" if measured is not None else "assumed"
    how = "" if measured is None else measured.how
    outside = "the sum counts as that at the nearer end"
    lower: Source = "assumed" if low == POSITIVE[0] else ends
    return Range("the sum of the magnitudes", low, high, lower, ends, outside, how)
