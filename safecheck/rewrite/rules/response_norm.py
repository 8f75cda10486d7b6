"""Local response normalisation: squares, one convolution over neighbouring channels, and a negative power of the sum.

x / s^beta with s = bias + alpha / size x the sum of the squares of `size` channels, which is at least the bias. The
power -3/4, that of the networks that have this layer, is r^2 / sqrt(r) with r = 1 / sqrt(s).
"""

from __future__ import annotations

from collections.abc import Mapping
from math import log
from typing import Any, NamedTuple

from safecheck.rewrite.algebra import approximate
from safecheck.rewrite.algebra.approximate import Approximation, roundoff
from safecheck.rewrite.algebra.plane import Plane
from safecheck.rewrite.algebra.pointwise import WIDE, rounded
from safecheck.rewrite.algebra.rounding import gamma, smallest, unit
from safecheck.rewrite.attributes import attribute, integer
from safecheck.rewrite.builder import Builder
from safecheck.rewrite.graph import MutableGraph
from safecheck.rewrite.ranges import Quantity, Ranges
from safecheck.rewrite.rule import Candidate, Claim, Match, Range, Source

_DTYPE = "FLOAT"
_LARGEST = 1e6
"""Means of squares over a window are assumed to be at most this, where nothing has been measured."""
_EXPONENT = 60.0
"""Largest magnitude of the logarithm of the power; the error grows with it."""
_DETERMINED = 0.2
"""Relative errors of the power up to which the first order of an error says all."""
_NONFINITE = "infinities and NaN spread over all channels of their place"


class ResponseNormalizationToNewton:
    """LRN."""

    name = "response-normalization-to-newton"
    remedies: tuple[str, ...] = ()

    def match(self, graph: MutableGraph, node: Any) -> Match | None:
        """Offer the program."""
        if node.op_type != "LRN":
            return None
        dims, dtype = graph.dims(node.input[0]), graph.tensor(node.input[0]).dtype
        if dims is None or len(dims) != 4 or not all(dims):
            return Match((node,), reason="the shape is not fixed or empty, or has no four dimensions, as a proof needs")
        if dtype != _DTYPE:
            return Match((node,), reason="squares do not fit into FP16; keep it in FP32")
        found = _read(graph, node, dims)
        if isinstance(found, str):
            return Match((node,), reason=found)
        return Match((node,), (_written(graph, node, found, dims),))


class _Response(NamedTuple):
    """What the node says, and what is known of its data."""

    weights: Any
    """(out, in, 1, 1), FP32."""
    bias: float
    beta: float
    terms: int
    high: float
    """The largest sum."""
    how: str
    """How that was measured; empty if it is assumed."""


def _read(graph: MutableGraph, node: Any, dims: tuple[int, ...]) -> _Response | str:
    """The parameters, or why it cannot be rewritten."""
    import numpy

    channels, size = dims[1], integer(node, "size", 0)
    alpha, beta, bias = (
        default if (found := attribute(node, name)) is None else float(found.f)
        for name, default in (("alpha", 1e-4), ("beta", 0.75), ("bias", 1.0))
    )
    if channels > WIDE:
        return f"more than {WIDE} channels: no convolution adds their squares"
    if size < 1 or bias <= 0 or alpha < 0 or beta <= 0:
        return "the bias or the exponent is not positive, or alpha is negative"
    apart = numpy.arange(channels) - numpy.arange(channels)[:, None]  # of the channel that is read from that made
    weights = rounded(((apart >= -((size - 1) // 2)) & (apart <= size // 2)) * (alpha / size), _DTYPE)
    if weights is None:
        return "alpha is too small for FP32"
    measured = graph.memo(Ranges).of(graph, Quantity(node.input[0], "elements"))
    most = _LARGEST if measured is None else max(measured.low**2, measured.high**2)
    high = max(bias + alpha * most, 4 * bias)
    if beta * max(abs(log(bias)), abs(log(high))) + 1 > _EXPONENT:
        return "the power leaves the range of the type"
    how = "" if measured is None else measured.how
    return _Response(weights[:, :, None, None], bias, beta, min(size, channels), high, how)


def _written(graph: MutableGraph, node: Any, found: _Response, dims: tuple[int, ...]) -> Candidate:
    import numpy

    x, result = node.input[0], node.output[0]
    builder = Builder(graph, result)
    plane = Plane(builder, dims, _DTYPE)
    square = plane.multiply(x, x)
    total = builder.conv(square, found.weights, numpy.full(dims[1], found.bias, numpy.float32))
    power = _power(plane, total, found)
    keep = tuple(part.output[0] for part in builder.nodes)
    made = plane.multiply(x, power.value)
    return Candidate(builder.replacement([x], {result: made}), _claim(x, found, power.relative, keep))


def _power(plane: Plane, total: str, found: _Response) -> Approximation:
    """The sum to the power -beta: by roots for 1/2, 3/4 and 1, else as exp(-beta log(s))."""
    low, high, u = found.bias, found.high, roundoff(plane)
    if found.beta == 1:
        return approximate.inverse(plane, total, low, high, below=False)
    if found.beta in (0.5, 0.75):
        root = approximate.inverse_root(plane, total, low, high, below=False)
        if found.beta == 0.5:
            return root
        least, most = high**-0.5 * (1 - 2 * root.relative), low**-0.5 * (1 + 2 * root.relative)
        again = approximate.inverse_root(plane, root.value, least, most, below=False, above=False)
        made = plane.multiply(plane.multiply(root.value, root.value), again.value)
        return Approximation(made, 1.1 * (1.5 * root.relative + again.relative) + 3 * u)
    logarithm = approximate.logarithm(plane, total, low, high)
    ends = [-found.beta * end for end in (log(high) + 1, log(low) - 1)]
    power = approximate.exponential(plane, plane.affine(logarithm.value, -found.beta), *ends)
    rounding = 2 * u * max(map(abs, ends))
    return Approximation(power.value, power.relative + 1.1 * found.beta * logarithm.absolute + rounding)


def _claim(x: str, found: _Response, relative: float, keep: tuple[str, ...]) -> Claim:
    """Both sides against the exact result: the sum rounds by gamma(terms + 4), and beta times that is left of it.

    A runtime may let the window slide, adding the square that enters and taking away the one that leaves: its sum is
    off by gamma(2 C + 4) of the squares of all C channels, relative to the sum. Where that is no longer small, the
    formula does not determine the result, and there is no limit.
    """
    u, band = unit(_DTYPE), found.weights[:, :, 0, 0]
    off = relative + 1.1 * found.beta * gamma(found.terms + 4, u) + 16 * u
    sliding = gamma(2 * len(band) + 4, u)

    def limit(feed: Mapping[str, Any], expected: Any) -> Any:
        import numpy

        squares = feed[x].astype(numpy.float64) ** 2
        totals = found.bias + numpy.einsum("oi,bi...->bo...", band.astype(numpy.float64), squares)
        slid = sliding * (found.bias + float(band.max()) * squares.sum(1, keepdims=True)) / totals
        error = 1.05 * (off + 1.3 * found.beta * slid) * numpy.abs(expected.astype(numpy.float64))
        inside = (totals * (1 + 2 * u) <= found.high) & (found.beta * slid < _DETERMINED)
        return numpy.where(inside, error + 8 * smallest(_DTYPE), numpy.inf)

    source: Source = "measured" if found.how else "assumed"
    within = Range(
        "bias + alpha / size x sum of squares", found.bias, found.high, "derived", source,
        "the sum counts as that at the nearer end", found.how,
    )  # fmt: skip
    return Claim(
        "bounded", f"segments and Newton's iteration for s^-{found.beta:g}, off by {relative:.1g} relative",
        finite_only=True, caveats=(_NONFINITE,), limit=limit,
        bound=f"|result| x ({1.05 * off:.2g} + {1.4 * found.beta * sliding:.1g} x sum over all channels / sum)",
        ranges=(within,), keep=keep,
    )  # fmt: skip
