"""Elementwise operators on computed tensors as sums and products of equal shapes.

Differences, broadcasting, small powers, sums and means of many: everything that Add, Mul, a resize of one pixel and
convolutions with ones or minus ones can say.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import Any

from safecheck.rewrite.algebra import arrange
from safecheck.rewrite.algebra.arrange import fits
from safecheck.rewrite.algebra.lift import RANK
from safecheck.rewrite.algebra.plane import UNSIGNED_ZERO, Plane, seen
from safecheck.rewrite.algebra.pointwise import add_all
from safecheck.rewrite.algebra.repeat import multiplied, resized
from safecheck.rewrite.algebra.rounding import FLOATS, smallest, sums_agree, unit
from safecheck.rewrite.builder import Builder
from safecheck.rewrite.graph import MutableGraph
from safecheck.rewrite.movement.factor import FactorError
from safecheck.rewrite.movement.program import StyleError
from safecheck.rewrite.rule import Candidate, Claim, Match

_SUMS = ("Add", "Mean", "Sub", "Sum")
_COPIES = "an operand is repeated before, not by the operation"
_MAX_POWER = 8


class ElementwiseToSumAndProduct:
    """Add, Sub, Mul, Sum and Mean of computed tensors, and Pow with a small whole exponent."""

    name = "elementwise-to-sum-and-product"
    remedies: tuple[str, ...] = ()

    def match(self, graph: MutableGraph, node: Any) -> Match | None:
        """Offer the operation on operands that were repeated to the shape of the result."""
        if node.op_type not in (*_SUMS, "Mul", "Pow"):
            return None
        computed = [name for name in node.input if graph.constant(name) is None]
        dims, dtype = graph.dims(node.output[0]), graph.tensor(node.output[0]).dtype
        if dims is None or dtype not in FLOATS or not fits(dims) or any(graph.dims(name) is None for name in computed):
            return None
        if node.op_type == "Pow":
            return _power(graph, node)
        same = all(graph.dims(name) == dims for name in computed)
        if len(computed) != len(node.input) or (same and len(dims) <= RANK and node.op_type in ("Add", "Mul")):
            return None
        if len(dims) > RANK:
            found = _merged(graph, node, dims, dtype)
            return Match((node,), found, "" if found else "no four axes say along which its operands are repeated")
        candidates = [
            candidate for replicate in (resized, multiplied) for candidate in _spelled(graph, node, replicate)
        ]
        return Match(
            (node,),
            tuple(candidates),
            "" if candidates else "an operand has to be repeated in a way that no resize says",
        )


def _spelled(graph: MutableGraph, node: Any, replicate: Any) -> list[Candidate]:
    """The operation with one way to repeat operands."""
    dims, dtype = graph.dims(node.output[0]) or (), graph.tensor(node.output[0]).dtype or ""
    builder = Builder(graph, node.output[0])
    plane = Plane(builder, dims, dtype)
    try:
        values = [plane.enter(replicate(builder, name, graph.dims(name) or (), dims, dtype)) for name in node.input]
    except (FactorError, StyleError):
        return []
    made = plane.leave(_combined(node, plane, values))
    replacement = builder.replacement(plane.inputs(node.input), {node.output[0]: made})
    interpolates = any(part.op_type == "Resize" for part in builder.nodes)
    return [Candidate(replacement, _claim(node, plane, dtype, interpolates))]


def _merged(graph: MutableGraph, node: Any, dims: tuple[int, ...], dtype: str) -> tuple[Candidate, ...]:
    """A sum, difference or product of two in four dimensions: neighbouring axes along which both vary are one."""
    if len(node.input) != 2 or node.op_type == "Mean":
        return ()
    shapes = [(1,) * (len(dims) - len(own)) + own for own in (graph.dims(name) or () for name in node.input)]
    axes: list[list[int]] = []
    varying: tuple[bool, ...] | None = None
    for axis, size in enumerate(dims):
        varies = tuple(shape[axis] == size for shape in shapes)
        if varies != varying and size > 1:
            axes.append([])
            varying = varies
        if size > 1:
            axes[-1].append(axis)
    if len(axes) > RANK:
        return ()
    merged = [tuple(prod(shape[axis] for axis in group) for group in axes) for shape in (dims, *shapes)]
    lead = seen(dims) if len(axes) <= 1 else None
    wide, *owns = (lead or (1,) * (RANK - len(axes)) + sizes for sizes in merged)
    builder = Builder(graph, node.output[0])
    plane = Plane(builder, wide, dtype)
    try:
        pulled = [
            arrange.pull_as(builder, name, arrange.enumerated(own)) for name, own in zip(node.input, owns, strict=True)
        ]
        values = [multiplied(builder, value, own, wide, dtype) for (_, value, _), own in zip(pulled, owns, strict=True)]
        made = _combined(node, plane, values)
        places = arrange.enumerated(dims)
        target, value, _ = arrange.push(builder, made, node.output[0], places, wide)
    except (FactorError, StyleError):
        return ()
    replacement = builder.replacement([source for source, *_ in pulled], {target: value})
    return (Candidate(replacement, _claim(node, plane, dtype, interpolates=False)),)


def _combined(node: Any, plane: Plane, values: list[str]) -> str:
    if node.op_type == "Mul":
        return plane.multiply(*values)
    if node.op_type == "Sub":
        values[1] = plane.affine(values[1], -1.0)
    made = add_all(plane.builder, values)
    return plane.affine(made, 1 / len(values)) if node.op_type == "Mean" and len(values) > 1 else made


def _claim(node: Any, plane: Plane, dtype: str, interpolates: bool) -> Claim:
    convolves = any(part.op_type == "Conv" for part in plane.builder.nodes)
    caveats = (f"{UNSIGNED_ZERO} and may spread infinities and NaN over the channels that it repeats",)
    more: dict[str, Any] = {"finite_only": True, "caveats": caveats} if convolves else {}
    operands = list(node.input)
    if len(operands) > 2 or (node.op_type == "Mean" and len(operands) > 1):

        def magnitude(feed: Mapping[str, Any]) -> Any:
            return sum(plane.magnitude(feed, name) for name in operands)

        return sums_agree(dtype, len(operands) + 3, magnitude, "both sides add the same terms", **more)
    if not interpolates:
        return Claim("exact", f"the same operation on the same elements; {_COPIES}", **more)

    def limit(feed: Mapping[str, Any], expected: Any) -> Any:
        import numpy

        sizes = [plane.magnitude(feed, name) for name in operands]
        return 4 * unit(dtype) * sum(sizes) + 4 * smallest(dtype) if node.op_type != "Mul" else (
            4 * unit(dtype) * numpy.abs(expected.astype(numpy.float64)) + 4 * smallest(dtype) * (1 + sum(sizes))
        )  # fmt: skip

    return Claim(
        "bounded", f"interpolation between equal pixels is off by a rounding at most; {_COPIES}", limit=limit,
        bound="4 u x magnitude of the terms", **more,
    )  # fmt: skip


def _power(graph: MutableGraph, node: Any) -> Match | None:
    """A product of equal factors for a whole exponent."""
    exponent = graph.constant(node.input[1])
    x, dims = node.input[0], graph.dims(node.input[0])
    if exponent is None or dims is None or dims != graph.dims(node.output[0]):
        return Match((node,), reason="the exponent is computed")
    values = {float(value) for value in exponent.reshape(-1)}
    if len(values) != 1 or not (power := values.pop()).is_integer() or not 1 <= power <= _MAX_POWER:
        return Match((node,), reason="only whole exponents from 1 to 8 are products")
    dtype = graph.tensor(x).dtype or ""
    builder = Builder(graph, node.output[0])
    plane = Plane(builder, dims, dtype)
    start = made = x if power == 1 else plane.enter(x)
    for _ in range(int(power) - 1):
        made = plane.multiply(made, start)
    made = x if power == 1 else plane.leave(made)
    replacement = builder.replacement(plane.inputs([x]), {node.output[0]: made})
    if power <= 2:
        return Match((node,), (Candidate(replacement, Claim("exact", "a square is one product, rounded once")),))

    def limit(feed: Mapping[str, Any], expected: Any) -> Any:
        import numpy

        return 2 * power * unit(dtype) * numpy.abs(expected.astype(numpy.float64)) + power * smallest(dtype)

    claim = Claim(
        "bounded", "a power is a product of equal factors", limit=limit, bound=f"{int(2 * power)} u |x^{int(power)}|"
    )
    return Match((node,), (Candidate(replacement, claim),))
