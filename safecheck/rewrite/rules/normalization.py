"""Layer and root-mean-square normalisation over channels, with Newton's iteration for 1 / sqrt(variance + epsilon).

Centring is the 1x1 convolution I - 1 / C, or for many channels a mean to one channel that is spread again; then
squares, their mean plus epsilon as one channel, the iteration on that channel (`algebra/approximate.py`), and the
spread of its result, times the scale. The variance is that of centred data, so that a large mean costs no digits.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any

from safecheck.ir.walk import is_standard
from safecheck.rewrite.algebra import arrange
from safecheck.rewrite.algebra.deviation import Deviation, why_not
from safecheck.rewrite.algebra.plane import Plane
from safecheck.rewrite.algebra.pointwise import convolve_each_in_parts, parts
from safecheck.rewrite.algebra.together import Dims, added, arranged, spread, too_many
from safecheck.rewrite.attributes import attribute, integer
from safecheck.rewrite.builder import Builder
from safecheck.rewrite.graph import MutableGraph
from safecheck.rewrite.movement.factor import FactorError
from safecheck.rewrite.rule import Candidate, Match
from safecheck.rewrite.rules.layer_norm import written_out
from safecheck.rewrite.rules.unit_sum import unit_sum

_DENSE = 384
"""Up to so many channels the mean is subtracted by one convolution: C products an element, but two passes, not five."""


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
    """Layer, root-mean-square, L1 and L2 normalisation; the first also written out, in any operator set."""

    name = "normalization-to-newton"
    remedies: tuple[str, ...] = ()

    def match(self, graph: MutableGraph, node: Any) -> Match | None:
        """Offer the program over channels."""
        if node.op_type == "LpNormalization" and is_standard(node) and integer(node, "p", 2) == 1:
            return unit_sum(graph, node)
        found = _read(graph, node)
        if found is None or isinstance(found, str):
            return None if found is None else Match((node,), reason=found)
        dims, dtype = graph.dims(found.source), graph.tensor(found.source).dtype
        if dims is None or not arrange.fits(dims):
            return Match((node,), reason="the shape of the input is not fixed, empty or too large")
        if refusal := why_not(dtype):
            return Match((node,), reason=refusal)
        if refusal := too_many(len(found.scale)):
            return Match((node,), reason=refusal)
        try:
            return Match((node,), (_candidate(graph, found, dims),))
        except FactorError as failure:
            return Match((node,), reason=str(failure))


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
    if node.op_type == "LpNormalization":
        return _to_length_one(graph, node)
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


def _to_length_one(graph: MutableGraph, node: Any) -> Normalisation | str:
    """The quotient of x and its length: x / sqrt(n mean(x^2))."""
    import numpy

    dims = graph.dims(node.input[0])
    if dims is None or not dims:
        return "the shape of the input is not fixed"
    axis = integer(node, "axis", -1) % len(dims)
    scale = numpy.full(dims[axis], dims[axis] ** -0.5)
    return Normalisation(node.input[0], node.output[0], (axis,), 0.0, scale, 0 * scale, False)


def _candidate(graph: MutableGraph, found: Normalisation, dims: tuple[int, ...]) -> Candidate:
    import numpy

    builder = Builder(graph, found.result)
    numbers = arranged(dims, found.axes)
    source, value, map_ = arrange.pull(builder, found.source, numbers)
    deviation = Deviation(len(found.scale), found.epsilon, found.centred)
    deviation = deviation.measured(graph, found.source, dims, found.axes)
    made, keep = _written(builder, value, map_.shape, found, deviation)
    places = numpy.argsort(numbers.reshape(-1)).reshape(dims)
    target, value, back = arrange.push(builder, made, found.result, places, map_.shape)
    claim = deviation.claim(
        lambda feed: feed[source].reshape(-1)[map_],
        1,
        (found.scale.reshape(1, -1, 1, 1), found.bias.reshape(1, -1, 1, 1)),
        lambda limits: limits.reshape(-1)[back],
        keep,
    )
    return Candidate(builder.replacement([source], {target: value}), claim)


def _written(
    builder: Builder, value: str, dims: Dims, found: Normalisation, deviation: Deviation
) -> tuple[str, tuple[str, ...]]:
    """The new value, and what of it stays in FP32: from the squares to the inverse of the deviation."""
    import numpy

    batch, count, height, width = dims
    float32 = numpy.float32
    if found.centred and count == 1:  # nothing is left of a single element less its mean
        return builder.conv(value, numpy.zeros((1, 1, 1, 1), float32), found.bias.astype(float32)), ()
    if found.centred:
        value = _centred(builder, value, dims)
    start = len(builder.nodes)
    squares = builder.add("Mul", [value, value])
    epsilon = numpy.array([found.epsilon], float32) if found.epsilon else None
    variance = added(builder, squares, dims, 1 / count, epsilon)
    plane = Plane(builder, (batch, 1, height, width), "FLOAT")
    inverse = deviation.inverse(plane, variance)
    keep = tuple(node.output[0] for node in builder.nodes[start:])
    scale, bias = found.scale.astype(float32), found.bias.astype(float32) if found.bias.any() else None
    if parts(count) > 1:
        made = builder.add("Mul", [value, spread(builder, inverse, dims)])
        if bias is not None or bool((scale != 1).any()):
            each = scale.reshape(-1, 1, 1, 1)
            made = convolve_each_in_parts(builder, made, dims, each, bias, (height, width))
        return made, keep
    made = builder.add("Mul", [value, builder.conv(inverse, scale.reshape(-1, 1, 1, 1))])
    if bias is not None:
        made = builder.conv(made, numpy.ones((count, 1, 1, 1), float32), bias, group=count)
    return made, keep


def _centred(builder: Builder, value: str, dims: Dims) -> str:
    """The value less its mean over the channels."""
    import numpy

    count, float32 = dims[1], numpy.float32
    if count <= _DENSE:
        weights = (numpy.eye(count) - 1 / count).astype(float32)
        return builder.conv(value, weights.reshape(count, count, 1, 1))
    return builder.add("Add", [value, spread(builder, added(builder, value, dims, -1 / count), dims)])
