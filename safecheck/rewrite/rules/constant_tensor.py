"""A constant of many elements as an operand: position embeddings, masks, relative position biases.

Elementwise layers are only known to take computed tensors, and the bias of a convolution is one number per channel. But
a convolution with zero weights and a bias computes a constant. One that makes [1, 0, 0, ...] in every place, read in
another shape, is the identity matrix, and a convolution of that with the constant as its weights is the constant.
"""

from __future__ import annotations

from math import prod
from typing import Any

from safecheck.ir.protos import numpy_type
from safecheck.rewrite.algebra.linear import Step, read
from safecheck.rewrite.algebra.plane import UNSIGNED_ZERO, Plane
from safecheck.rewrite.algebra.pointwise import WIDE, rounded
from safecheck.rewrite.algebra.rounding import sums_agree
from safecheck.rewrite.builder import Builder
from safecheck.rewrite.graph import MutableGraph
from safecheck.rewrite.rule import Candidate, Claim, Match

_METHOD = "the constant is computed without rounding: every sum has one term that is not zero"
_CAVEATS = (UNSIGNED_ZERO, "a single NaN or infinity makes the constant NaN everywhere in its batch entry")


class ConstantTensorToConvolution:
    """Add, Sub, Mul and Div of a four-dimensional tensor and a constant that varies along several axes."""

    name = "constant-tensor-to-convolution"
    remedies = ("fold-affine-into-convolution",)

    def match(self, graph: MutableGraph, node: Any) -> Match | None:
        """Offer the constant as a computed tensor of the shape of the data."""
        step = read(graph, node)
        dims = None if step is None else graph.dims(step.data)
        if step is None or dims is None or len(dims) != 4 or step.affine.roundings != 1 or len(step.affine.axes) < 2:
            return None
        batch = 1 if 0 in step.affine.axes else dims[0]
        places = _places(prod(dims) // batch)
        if places is None:
            return Match((node,), reason="the constant has too many elements, or their number has no fitting divisor")
        candidate = _candidate(graph, step, dims, (batch, prod(dims) // batch // places, places))
        return Match(
            (node,), (candidate,) if candidate else (), "" if candidate else "the constant leaves the range of the type"
        )


def _places(count: int) -> int | None:
    """The fewest places among which that many elements fall, with channels no more than convolutions may have."""
    return next((size for size in range(-(-count // WIDE), WIDE) if count % size == 0), None)


def _candidate(graph: MutableGraph, step: Step, dims: tuple[int, ...], shape: tuple[int, int, int]) -> Candidate | None:
    dtype = graph.tensor(step.data).dtype or ""
    factor, addend = rounded(step.affine.scale, dtype), rounded(step.affine.shift, dtype)
    if factor is None or addend is None:
        return None
    builder = Builder(graph, step.result)
    plane = Plane(builder, dims, dtype)
    value = step.data
    if factor.size > 1:
        value = plane.multiply(value, _constant(builder, step.data, factor, dims, shape))
    elif float(factor.reshape(-1)[0]) != 1:
        value = plane.leave(plane.affine(plane.enter(value), float(factor.reshape(-1)[0])))
    if bool(addend.any()):
        value = plane.add(value, _constant(builder, step.data, addend, dims, shape))
    if step.affine.single:
        claim = Claim("exact", _METHOD, finite_only=True, caveats=_CAVEATS)
    else:
        claim = sums_agree(
            dtype, 3, lambda feed: plane.magnitude(feed, step.data) * abs(step.affine.scale), _METHOD,
            finite_only=True, caveats=_CAVEATS,
        )  # fmt: skip
    return Candidate(builder.replacement([step.data], {step.result: value}), claim)


def _constant(builder: Builder, value: str, array: Any, dims: tuple[int, ...], shape: tuple[int, int, int]) -> str:
    """A constant as a computed tensor of dimensions `dims`, the same for every batch entry."""
    import numpy

    batch, channels, places = shape
    kind = numpy_type(builder.graph.tensor(value).dtype or "")
    entries = numpy.broadcast_to(array, dims).reshape(-1)[: channels * places].reshape(channels, places)
    zero = builder.conv(builder.reshape(value, (batch, channels, places, 1)), numpy.zeros((1, channels, 1, 1), kind))
    first = numpy.eye(1, places + 1, dtype=kind)[0]
    # [1, 0, ..., 0] in each of P places, cut into rows of P: an identity matrix and a row of zeros
    rows = builder.conv(zero, numpy.zeros((places + 1, 1, 1, 1), kind), first)
    flat = builder.reshape(rows, (batch, 1, places + 1, places))
    identity = builder.reshape(builder.transpose(flat, (0, 1, 3, 2)), (batch, places + 1, places, 1))
    weights = numpy.concatenate([entries, numpy.zeros((channels, 1), kind)], 1)
    return builder.reshape(builder.conv(identity, weights[:, :, None, None]), dims)
