"""A constant of many elements as an operand: position embeddings, masks, relative position biases."""

from __future__ import annotations

from math import prod
from typing import Any

from safecheck.rewrite.algebra import constants
from safecheck.rewrite.algebra.linear import Step, read
from safecheck.rewrite.algebra.plane import UNSIGNED_ZERO, Plane
from safecheck.rewrite.algebra.pointwise import rounded
from safecheck.rewrite.algebra.rounding import sums_agree
from safecheck.rewrite.builder import Builder
from safecheck.rewrite.graph import MutableGraph
from safecheck.rewrite.rule import Candidate, Claim, Match

_CAVEATS = (UNSIGNED_ZERO, constants.SPREADS)


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
        if constants.places(prod(dims) // batch) is None:
            return Match((node,), reason="the constant has too many elements, or their number has no fitting divisor")
        candidate = _candidate(graph, step, dims, batch)
        return Match(
            (node,), (candidate,) if candidate else (), "" if candidate else "the constant leaves the range of the type"
        )


def _candidate(graph: MutableGraph, step: Step, dims: tuple[int, ...], batch: int) -> Candidate | None:
    dtype = graph.tensor(step.data).dtype or ""
    factor, addend = rounded(step.affine.scale, dtype), rounded(step.affine.shift, dtype)
    if factor is None or addend is None:
        return None
    builder = Builder(graph, step.result)
    plane = Plane(builder, dims, dtype)
    value = step.data
    if factor.size > 1:
        value = plane.multiply(value, constants.computed(builder, step.data, factor, dims, batch))
    elif float(factor.reshape(-1)[0]) != 1:
        value = plane.leave(plane.affine(plane.enter(value), float(factor.reshape(-1)[0])))
    if bool(addend.any()):
        value = plane.add(value, constants.computed(builder, step.data, addend, dims, batch))
    if step.affine.single:
        claim = Claim("exact", constants.EXACT, finite_only=True, caveats=_CAVEATS)
    else:
        claim = sums_agree(
            dtype, 3, lambda feed: plane.magnitude(feed, step.data) * abs(step.affine.scale), constants.EXACT,
            finite_only=True, caveats=_CAVEATS,
        )  # fmt: skip
    return Candidate(builder.replacement([step.data], {step.result: value}), claim)
