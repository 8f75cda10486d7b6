"""Layer and root-mean-square normalisation over channels, with Newton's iteration for 1 / sqrt(variance + epsilon).

Centring is the 1x1 convolution I - 1 / C, or for many channels a mean to one channel that is spread again; then
squares, their mean plus epsilon as one channel, the iteration on that channel (`algebra/approximate.py`), and the
spread of its result, times the scale. The variance is that of centred data, so that a large mean costs no digits.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

from safecheck.ir.walk import is_standard
from safecheck.rewrite.algebra import arrange
from safecheck.rewrite.algebra.approximate import inverse_root, newton
from safecheck.rewrite.algebra.plane import UNSIGNED_ZERO, Plane
from safecheck.rewrite.algebra.pointwise import WIDE
from safecheck.rewrite.algebra.rounding import gamma, smallest, unit
from safecheck.rewrite.attributes import attribute, integer
from safecheck.rewrite.builder import Builder
from safecheck.rewrite.graph import MutableGraph
from safecheck.rewrite.movement.factor import FactorError
from safecheck.rewrite.rule import Candidate, Claim, Match, Range
from safecheck.rewrite.rules.layer_norm import written_out

LARGEST = 1e6
"""Variances are assumed to be at most this, a standard deviation of 1000, where nothing has been measured."""
_TINY = 1e-12
"""The smallest variance that is told from zero where epsilon is smaller."""
_DENSE = 384
"""Up to so many channels the mean is subtracted by one convolution: C products an element, but two passes, not five."""
_BATCH = 32
"""A first axis up to this long is taken for the batch."""
_NONFINITE = "infinities and NaN spread over all that is normalised together"


@dataclass(frozen=True)
class Normalisation:
    """(x - mean) / sqrt(variance + epsilon) x scale + bias, or the same without the mean."""

    source: str
    result: str
    axes: tuple[int, ...]
    """Normalised together, in order."""
    epsilon: float
    scale: Any
    """One number per element that is normalised together, flat, float64."""
    bias: Any
    centred: bool = True


class NormalizationToNewton:
    """LayerNormalization and RMSNormalization, also where an exporter wrote the former out, in any operator set."""

    name = "normalization-to-newton"
    remedies: tuple[str, ...] = ()

    def match(self, graph: MutableGraph, node: Any) -> Match | None:
        """Offer the program over channels."""
        found = _read(graph, node)
        if found is None or isinstance(found, str):
            return None if found is None else Match((node,), reason=found)
        dims, dtype = graph.dims(found.source), graph.tensor(found.source).dtype
        if dims is None or not arrange.fits(dims):
            return Match((node,), reason="the shape of the input is not fixed, empty or too large")
        if dtype != "FLOAT":
            return Match((node,), reason=_why_not(dtype))
        if len(found.scale) > WIDE:
            return Match((node,), reason=f"more than {WIDE} elements are normalised together: no convolution adds them")
        try:
            return Match((node,), (_candidate(graph, found, dims, dtype),))
        except FactorError as failure:
            return Match((node,), reason=str(failure))


def _why_not(dtype: str | None) -> str:
    if dtype == "FLOAT16":
        return "in FP16 squares above 255 overflow and an epsilon below 6e-5 loses its digits; keep this part in FP32"
    return f"a convolution of {dtype} does not exist"


def _read(graph: MutableGraph, node: Any) -> Normalisation | str | None:
    """The normalisation that a node is or belongs to, why it cannot be rewritten, or None."""
    import numpy

    if not is_standard(node):
        return None
    if node.op_type in ("Sqrt", "Pow"):
        found = written_out(graph, node)
        dims = None if found is None else graph.dims(found.source)
        if found is None or dims is None:
            return None
        size = prod(dims[axis] for axis in found.axes)
        scale, bias = (
            numpy.full(size, float(default)) if array is None else array.astype(numpy.float64).reshape(-1)
            for array, default in ((found.parameter(graph, found.scale), 1), (found.parameter(graph, found.bias), 0))
        )
        return Normalisation(found.source, found.result, found.axes, found.epsilon, scale, bias)
    if node.op_type not in ("LayerNormalization", "RMSNormalization"):
        return None
    dims = graph.dims(node.input[0])
    if dims is None or not dims:
        return "the shape of the input is not fixed"
    if any(graph.consumers(name) or graph.is_output(name) for name in node.output[1:] if name):
        return "the mean or the deviation is read as well"
    axis = integer(node, "axis", -1) % len(dims)
    parameters = []
    for position, default in ((1, 1.0), (2, 0.0)):
        name = node.input[position] if position < len(node.input) else ""
        array = graph.constant(name) if name else numpy.full((), default)
        if array is None or array.ndim > len(dims) - axis:
            return "scale or bias is computed, or varies along an axis that is not normalised"
        parameters.append(numpy.broadcast_to(array.astype(numpy.float64), dims[axis:]).reshape(-1))
    epsilon = attribute(node, "epsilon")
    return Normalisation(
        node.input[0], node.output[0], tuple(range(axis, len(dims))), 1e-5 if epsilon is None else epsilon.f,
        parameters[0], parameters[1], node.op_type == "LayerNormalization",
    )  # fmt: skip


def _candidate(graph: MutableGraph, found: Normalisation, dims: tuple[int, ...], dtype: str) -> Candidate:
    import numpy

    builder = Builder(graph, found.result)
    numbers = _arranged(dims, found.axes)
    source, value, map_ = arrange.pull(builder, found.source, numbers)
    floor = float(numpy.float32(found.epsilon))
    low, high = max(floor, _TINY), LARGEST
    made = _written(builder, value, map_.shape, found, (low, high), floor >= low)
    places = numpy.argsort(numbers.reshape(-1)).reshape(dims)
    target, value, back = arrange.push(builder, made, found.result, places, map_.shape)
    claim = _claim(found, dtype, (low, high), source, (map_, back))
    return Candidate(builder.replacement([source], {target: value}), claim)


def _arranged(dims: tuple[int, ...], axes: tuple[int, ...]) -> Any:
    """Element numbers as [batch, normalised together, ..., 1]."""
    free = [axis for axis in range(len(dims)) if axis not in axes]
    batch = [axis for axis in free if axis == 0 and dims[0] <= _BATCH]
    rest = [axis for axis in free if axis not in batch]
    sizes = [dims[axis] for axis in rest] + [1, 1]
    shape = (prod(dims[axis] for axis in batch), prod(dims[axis] for axis in axes), sizes[0], prod(sizes[1:]))
    return arrange.enumerated(dims).transpose([*batch, *axes, *rest]).reshape(shape)


def _written(
    builder: Builder, value: str, dims: tuple[int, ...], found: Normalisation, limits: tuple[float, float], floor: bool
) -> str:
    import numpy

    batch, count, height, width = dims
    float32 = numpy.float32
    if found.centred and count == 1:  # nothing is left of a single element less its mean
        return builder.conv(value, numpy.zeros((1, 1, 1, 1), float32), found.bias.astype(float32))
    if found.centred:
        value = _centred(builder, value, count)
    squares = builder.add("Mul", [value, value])
    mean = numpy.full((1, count, 1, 1), 1 / count, float32)
    variance = builder.conv(squares, mean, numpy.array([found.epsilon], float32) if found.epsilon else None)
    plane = Plane(builder, (batch, 1, height, width), "FLOAT")
    deviation = inverse_root(plane, variance, *limits, below=not floor).value
    spread = builder.conv(deviation, found.scale.astype(float32).reshape(-1, 1, 1, 1))
    made = builder.add("Mul", [value, spread])
    if not found.bias.any():
        return made
    return builder.conv(made, numpy.ones((count, 1, 1, 1), float32), found.bias.astype(float32), group=count)


def _centred(builder: Builder, value: str, count: int) -> str:
    """The value less its mean over the channels."""
    import numpy

    float32 = numpy.float32
    if count <= _DENSE:
        weights = (numpy.eye(count) - 1 / count).astype(float32)
        return builder.conv(value, weights.reshape(count, count, 1, 1))
    mean = builder.conv(value, numpy.full((1, count, 1, 1), -1 / count, float32))
    return builder.add("Add", [value, builder.conv(mean, numpy.ones((count, 1, 1, 1), float32))])


def _claim(found: Normalisation, dtype: str, limits: tuple[float, float], source: str, maps: tuple[Any, Any]) -> Claim:
    """Both sides against the exact result, to first order, each bounded for C elements.

    A centred element is off by d = gamma(C + 4) (|x| + mean |x|). Roots of mean squares obey the triangle inequality,
    so that 1 / sqrt(variance + epsilon) = 1 / s is off by rms(d) / s relative, gamma(C + 4) for rounding the sum, and
    what the iteration leaves. A runtime may instead take the variance as the mean of squares less the square of the
    mean: that is off by gamma(C + 4) mean(x^2) / s^2 relative. Where any of this is no longer small, the result is not
    determined by the formula, and there is no limit.
    """
    u, (low, high) = unit(dtype), limits
    count = len(found.scale)
    g = gamma(count + 4, u)
    left = newton(-0.5, low, high, u).relative
    map_, back = maps

    def limit(feed: Mapping[str, Any], expected: Any) -> Any:
        import numpy

        x = feed[source].reshape(-1)[map_].astype(numpy.float64)
        scale, bias = (numpy.abs(array).reshape(1, -1, 1, 1) for array in (found.scale, found.bias))
        power = (x * x).mean(1, keepdims=True)
        centred = numpy.abs(x - x.mean(1, keepdims=True)) if found.centred else numpy.abs(x)
        variance = (centred**2).mean(1, keepdims=True) + found.epsilon
        s = numpy.sqrt(variance)
        moved = g * (numpy.abs(x) + numpy.abs(x).mean(1, keepdims=True)) * found.centred
        relative = 2 * numpy.sqrt((moved**2).mean(1, keepdims=True)) / s + 2 * g + left + g * power / variance
        error = scale * (2 * moved + centred * relative) / s + 8 * u * (scale * centred / s + bias)
        inside = (variance * (1 + g) >= low) & (variance * (1 + g) <= high) & (relative < 0.1)
        total = numpy.where(inside, 1.25 * error + 8 * smallest(dtype), numpy.inf)
        return total.reshape(-1)[back]

    measure = "variance" if found.centred else "mean square"
    return Claim(
        "bounded",
        f"segments and Newton's iteration for 1 / sqrt({measure} + epsilon), off by {left:.1g} relative",
        finite_only=True,
        caveats=(UNSIGNED_ZERO, _NONFINITE),
        limit=limit,
        bound=f"|scale| |x - mean| / s x ({left:.1g} + gamma({count + 4}) (2 + 4 rms(x) / s + mean(x^2) / s^2)), s^2 "
        f"the {measure} + epsilon",
        ranges=(
            Range(
                f"{measure} + epsilon", low, high,
                "derived" if found.epsilon >= low * (1 - 2 * u) else "assumed", "assumed",
                "the deviation counts as that at the nearer end",
            ),
        ),
    )  # fmt: skip
