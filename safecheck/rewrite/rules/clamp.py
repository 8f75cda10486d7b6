"""Piecewise linear functions and extrema as sums of Relu.

With r(x) = max(x, 0):

- min(max(x, a), b) = y - r(y - b) with y = x + r(a - x), which leaves x alone between the limits and is exact as long
  as they are multiples of its last place: for 6, up to 2^25;
- or b - r((b - a) - r(x - a)), which is exact at both ends for every x, and rounds small x to the last place of b;
- max(a, b) = a + r(b - a) and min(a, b) = a - r(a - b);
- a slope s for negative x: r(x) - s r(-x), of which one term is zero, so that nothing is rounded twice.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from safecheck.rewrite.algebra.linear import along
from safecheck.rewrite.algebra.plane import UNSIGNED_ZERO, Plane
from safecheck.rewrite.algebra.rounding import FLOATS, LARGEST, smallest, unit
from safecheck.rewrite.attributes import attribute
from safecheck.rewrite.builder import Builder
from safecheck.rewrite.finite import extent_of
from safecheck.rewrite.graph import MutableGraph
from safecheck.rewrite.rule import Candidate, Claim, Match, Range

_FAR = 1024.0
"""How many times as far as the limits a clip has to hold to leave what is between them alone."""
_BEYOND = "something between the limits and twice as far is left"
_NAN = "of NaN, Relu may make zero"


class ClampToRelu:
    """Clip, LeakyRelu, PRelu, HardSigmoid, HardSwish, Abs, Max and Min."""

    name = "clamp-to-relu"
    remedies: tuple[str, ...] = ()

    def match(self, graph: MutableGraph, node: Any) -> Match | None:
        """Offer the sum of Relu for the operator."""
        write = _WRITERS.get(node.op_type)
        if write is None:
            return None
        dims, dtype = graph.dims(node.output[0]), graph.tensor(node.output[0]).dtype
        if dims is None or dtype not in FLOATS or not all(dims):
            return Match((node,), reason="the shape or type is not fixed to one of FLOAT and FLOAT16")
        builder = Builder(graph, node.output[0])
        plane = Plane(builder, dims, dtype)
        found = write(graph, node, plane)
        if isinstance(found, str):
            return Match((node,), reason=found)
        made, claim = found
        sources = plane.inputs(name for name in node.input if name and graph.constant(name) is None)
        return Match((node,), (Candidate(builder.replacement(sources, {node.output[0]: made}), claim),))


_Written = tuple[str, Claim] | str
"""The new value and its claim, or why there is none."""


def _exact(method: str) -> Claim:
    return Claim("exact", method, finite_only=True, caveats=(UNSIGNED_ZERO, _NAN))


def _bounded(
    dtype: str, factor: float, terms: Callable[[Mapping[str, Any]], Any], method: str, words: str, *more: str
) -> Claim:
    """Within `factor` unit roundoffs of the sum of the magnitudes of some terms."""

    def limit(feed: Mapping[str, Any], expected: Any) -> Any:
        return factor * unit(dtype) * terms(feed) + factor * smallest(dtype)

    caveats = (UNSIGNED_ZERO, _NAN, *more)
    return Claim("bounded", method, finite_only=True, caveats=caveats, limit=limit, bound=f"{factor:g} u {words}")


def clamped(plane: Plane, value: str, low: float | None, high: float | None) -> str:
    """The value between two numbers, None being no limit."""
    import numpy

    if low is None and high is None:
        return value
    if high is None:
        above = plane.relu(plane.affine(value, 1.0, -(low or 0.0)) if low else value)
        return plane.affine(above, 1.0, low) if low else above
    if low is None:
        return plane.affine(plane.relu(plane.affine(value, -1.0, high)), -1.0, high)
    above = plane.relu(plane.affine(value, 1.0, -low) if low else value)
    width = float(numpy.asarray(high, plane.dtype) - numpy.asarray(low, plane.dtype))
    return plane.affine(plane.relu(plane.affine(above, -1.0, width)), -1.0, high)


def _clip(graph: MutableGraph, node: Any, plane: Plane) -> _Written:
    limits: list[float | None] = []
    for position, name in enumerate(("min", "max"), 1):
        found = attribute(node, name)
        given = node.input[position] if len(node.input) > position else ""
        constant = graph.constant(given) if given else None
        if given and constant is None:
            return f"the {name}imum is computed"
        limits.append(float(constant.reshape(-1)[0]) if constant is not None else None if found is None else found.f)
    return _between(graph, node, plane, limits[0], limits[1])


def _between(graph: MutableGraph, node: Any, plane: Plane, low: float | None, high: float | None) -> _Written:
    """The computed operand between numbers; those beyond the range of the type are none."""
    import numpy

    x = next((name for name in node.input if graph.constant(name) is None), None)
    if x is None:
        return "nothing of it is computed, so folding it is what helps"
    largest = float(numpy.finfo(plane.dtype).max)
    low = None if low is None or low <= -largest else low
    high = None if high is None or high >= largest else high
    if low is None and high is None:
        return x, Claim("exact", "no limit is within the range of the type")
    if low is not None and high is not None and low > high:
        return "the limits are in the wrong order"
    if low == 0 and high is None:
        return plane.relu(x), Claim("exact", "max(x, 0) is Relu", finite_only=True, caveats=(_NAN,))
    if not low and not high:
        return plane.leave(clamped(plane, plane.enter(x), low, high)), _exact("min(x, 0) is -Relu(-x)")
    if far := _holds(graph, plane, x, low, high):
        return plane.leave(_untouched(plane, plane.enter(x), low, high)), _within(plane, x, far)
    made = plane.leave(clamped(plane, plane.enter(x), low, high))
    ends = abs(low or 0.0) + abs(high or 0.0)
    dtype = graph.tensor(x).dtype or ""
    method = "b - r((b - a) - r(x - a)): the limits themselves are exact, between them four sums are rounded"
    if low is not None and high is not None:
        return made, _bounded(dtype, 8, lambda feed: ends, method, "(|a| + |b|)")
    return made, _bounded(
        dtype, 4, lambda feed: plane.magnitude(feed, x) + ends, "a + r(x - a)", "(|x| + |a|)", LARGEST
    )


def _holds(graph: MutableGraph, plane: Plane, x: str, low: float | None, high: float | None) -> float:
    """Up to which magnitude x can be clipped without rounding; 0 if that is not far, or x may be infinite."""
    extent = extent_of(graph, x)
    if (low or 0.0) > 0 or (high or 0.0) < 0 or extent.inf or extent.nan:
        return 0.0
    far = min(_reach(plane, end) for end in (low, high) if end)
    return far if far >= _FAR * max(abs(low or 0.0), abs(high or 0.0)) else 0.0


def _reach(plane: Plane, end: float) -> float:
    """The magnitude up to which a limit is a multiple of the last place of a number."""
    import numpy

    digits = int(numpy.finfo(plane.dtype).nmant) + 1
    numerator, denominator = end.as_integer_ratio()
    return min(float((numerator & -numerator) / denominator) * 2.0**digits, float(numpy.finfo(plane.dtype).max))


def _untouched(plane: Plane, value: str, low: float | None, high: float | None) -> str:
    """What is between the limits as it is, and the limits beyond them."""
    if low == 0:
        value = plane.relu(value)
    elif low is not None:
        value = plane.add(value, plane.relu(plane.affine(value, -1.0, low)))
    if high is None:
        return value
    return plane.add(value, plane.affine(plane.relu(plane.affine(value, 1.0, -high)), -1.0))


def _within(plane: Plane, x: str, far: float) -> Claim:
    """Nothing is rounded: beyond a limit, x has its sign and is larger, so that both differences are numbers."""

    def limit(feed: Mapping[str, Any], expected: Any) -> Any:
        import numpy

        return numpy.where(plane.magnitude(feed, x) <= far, 0.0, numpy.inf)

    return Claim(
        "bounded", "y - r(y - b) with y = x + r(a - x): what is between the limits stays as it is", finite_only=True,
        caveats=(UNSIGNED_ZERO, _NAN), limit=limit, bound="0: nothing is rounded",
        ranges=(Range("what is clipped", -far, far, "assumed", "assumed", _BEYOND),),
    )  # fmt: skip


def _leaky(graph: MutableGraph, node: Any, plane: Plane) -> _Written:
    slope = attribute(node, "alpha")
    return _sloped(node, plane, 0.01 if slope is None else slope.f)


def _prelu(graph: MutableGraph, node: Any, plane: Plane) -> _Written:
    slope = graph.constant(node.input[1])
    if slope is None:
        return "the slopes are computed"
    full = slope.reshape((1,) * (len(plane.dims) - slope.ndim) + slope.shape)
    slopes = full.reshape(-1)[0] if slope.size == 1 else along(full, (1,), plane.dims) if slope.ndim else None
    if slopes is None or (slope.size > 1 and plane.seen != plane.dims):
        return "the slopes vary along an axis that is not the channels of four dimensions"
    return _sloped(node, plane, slopes)


def _sloped(node: Any, plane: Plane, slope: Any) -> _Written:
    x = plane.enter(node.input[0])
    below = plane.affine(plane.relu(plane.affine(x, -1.0)), -slope)
    return plane.leave(plane.add(plane.relu(x), below)), _exact("r(x) - s r(-x): one term is zero, the other exact")


def _absolute(graph: MutableGraph, node: Any, plane: Plane) -> _Written:
    x = plane.enter(node.input[0])
    made = plane.add(plane.relu(x), plane.relu(plane.affine(x, -1.0)))
    return plane.leave(made), _exact("r(x) + r(-x): one term is zero, the other exact")


def _hard(graph: MutableGraph, node: Any, plane: Plane) -> _Written:
    """HardSigmoid(x) = min(max(alpha x + beta, 0), 1); HardSwish is x times that with alpha 1 / 6 and beta 1 / 2."""
    swish = node.op_type == "HardSwish"
    alpha, beta = (attribute(node, name) for name in ("alpha", "beta"))
    slope = 1 / 6 if swish else 0.2 if alpha is None else alpha.f
    shift = 0.5 if beta is None else beta.f
    name, dtype = node.input[0], plane.builder.graph.tensor(node.input[0]).dtype or ""
    x = plane.enter(name)
    gate = clamped(plane, plane.affine(x, slope, shift), 0.0, 1.0)
    size = 1 + abs(shift)
    if not swish:
        return plane.leave(gate), _bounded(dtype, 16, lambda feed: size, "1 - r(1 - r(alpha x + beta))", "(1 + |beta|)")
    made = plane.leave(plane.multiply(x, gate))
    method = "x (1 - r(1 - r(x / 6 + 1 / 2)))"
    return made, _bounded(dtype, 32, lambda feed: plane.magnitude(feed, name) * size, method, "1.5 |x|")


def _extremum(graph: MutableGraph, node: Any, plane: Plane) -> _Written:
    if len(node.input) != 2:
        return "more than two operands; write one extremum after the other"
    constants = [graph.constant(name) for name in node.input]
    if any(constant is not None for constant in constants):
        bound = next(constant for constant in constants if constant is not None)
        if bound.size != 1 or not bool((bound == bound).all()):
            return "the constant is not a single number"
        number = float(bound.reshape(-1)[0])
        return _between(graph, node, plane, *((number, None) if node.op_type == "Max" else (None, number)))
    if any(graph.dims(name) != plane.dims for name in node.input):
        return "the operands have different shapes"
    dtype = graph.tensor(node.input[0]).dtype or ""
    left, right = (plane.enter(name) for name in node.input)
    first, second = (left, right) if node.op_type == "Min" else (right, left)
    gap = plane.relu(plane.add(first, plane.affine(second, -1.0)))
    made = plane.add(left, gap if node.op_type == "Max" else plane.affine(gap, -1.0))
    names = list(node.input)
    method = "a + r(b - a)" if node.op_type == "Max" else "a - r(a - b)"

    def sizes(feed: Mapping[str, Any]) -> Any:
        return sum(plane.magnitude(feed, name) for name in names)

    return plane.leave(made), _bounded(dtype, 4, sizes, method, "(|a| + |b|)", LARGEST)


_WRITERS: dict[str, Callable[[MutableGraph, Any, Plane], _Written]] = {
    "Abs": _absolute,
    "Clip": _clip,
    "HardSigmoid": _hard,
    "HardSwish": _hard,
    "LeakyRelu": _leaky,
    "Max": _extremum,
    "Min": _extremum,
    "PRelu": _prelu,
}
