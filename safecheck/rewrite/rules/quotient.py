"""Division by data becomes a product with 1 / divisor, computed before the divisor is repeated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from math import prod
from typing import Any

from safecheck.rewrite.algebra.arrange import fits
from safecheck.rewrite.algebra.plane import UNSIGNED_ZERO, Plane
from safecheck.rewrite.algebra.ranged import inverted
from safecheck.rewrite.algebra.repeat import multiplied, resized
from safecheck.rewrite.algebra.rounding import smallest, unit
from safecheck.rewrite.builder import Builder
from safecheck.rewrite.graph import MutableGraph
from safecheck.rewrite.movement.factor import FactorError
from safecheck.rewrite.movement.program import StyleError
from safecheck.rewrite.rule import Candidate, Claim, Match

_REPEATING = ("Expand", "Identity")


class DivisionToProduct:
    """Div by a computed value."""

    name = "division-to-product"
    remedies: tuple[str, ...] = ()

    def match(self, graph: MutableGraph, node: Any) -> Match | None:
        """Offer the product, the inverse being taken of what was repeated to be the divisor."""
        if node.op_type != "Div" or graph.constant(node.input[1]) is not None:
            return None
        dims, dtype = graph.dims(node.output[0]), graph.tensor(node.output[0]).dtype
        divisor = _before_repeating(graph, node.input[1])
        if dims is None or graph.dims(divisor) is None or graph.dims(node.input[0]) is None or not fits(dims):
            return Match((node,), reason="the shapes are not fixed, empty or too large")
        if dtype != "FLOAT":
            return Match((node,), reason="the range of a quotient does not fit into FP16; keep it in FP32")
        number = graph.constant(node.input[0])
        if number is not None and number.size > 1:
            return Match((node,), reason="the dividend is a constant tensor")
        candidates = [
            candidate for repeat in (resized, multiplied) for candidate in _written(graph, node, divisor, repeat)
        ]
        reason = "" if candidates else "the divisor has to be repeated in a way that no program says"
        return Match((node,), tuple(candidates), reason)


def _before_repeating(graph: MutableGraph, name: str) -> str:
    """What an Expand repeats, if it broadcasts from the same rank."""
    maker = graph.producer(name)
    while maker is not None and maker.op_type in _REPEATING and graph.dims(maker.input[0]) is not None:
        name = maker.input[0]
        maker = graph.producer(name)
    return name


def _written(graph: MutableGraph, node: Any, divisor: str, repeat: Any) -> list[Candidate]:
    dims, dtype = graph.dims(node.output[0]) or (), graph.tensor(node.output[0]).dtype or ""
    own = graph.dims(divisor) or ()
    dividend, result = node.input[0], node.output[0]
    builder = Builder(graph, result)
    small = Plane(builder, own, dtype)
    curve, argument = inverted(graph, divisor, small)
    plane = Plane(builder, dims, dtype)
    number = graph.constant(dividend)
    try:
        made = curve.value
        if prod(own) != prod(dims):
            made = repeat(builder, made, own, dims, dtype, *((small.seen,) if repeat is multiplied else ()))
            made = plane.view(made)
        elif small.seen != plane.seen:
            made = builder.reshape(made, plane.seen)
        if number is not None:
            made = plane.affine(made, float(number.reshape(-1)[0]))
            sources = small.inputs([argument])
        else:
            other = repeat(builder, dividend, graph.dims(dividend) or (), dims, dtype)
            made = plane.multiply(plane.enter(other), made)
            sources = [*plane.inputs([dividend]), *small.inputs([argument])]
    except (FactorError, StyleError):
        return []
    limits = curve.range
    if argument == divisor:
        limits = replace(limits, value=limits.value.replace("argument", "divisor"))

    def limit(feed: Mapping[str, Any], expected: Any) -> Any:
        import numpy

        given = small.fed(feed, argument)
        exact = numpy.abs(expected.astype(numpy.float64))
        one = numpy.broadcast_to(curve.error(given, numpy.ones_like(given)), given.shape)
        return numpy.where(curve.holds(given), (1.01 * one + 8 * unit(dtype)) * exact + 8 * smallest(dtype), numpy.inf)

    claim = Claim(
        "bounded", f"a product with 1 / divisor: {curve.method}", finite_only=True, caveats=(UNSIGNED_ZERO,),
        limit=limit, bound=f"{curve.bound}, rounding of the product aside",
        ranges=(limits,),
    )  # fmt: skip
    return [Candidate(builder.replacement(list(dict.fromkeys(sources)), {result: plane.leave(made)}), claim)]
