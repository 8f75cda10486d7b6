"""Roots, quotients, exponentials, logarithms and the activations made of them, on the range that the claim names."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from math import exp, inf, log
from typing import Any

from safecheck.rewrite.algebra import approximate
from safecheck.rewrite.algebra.approximate import Approximation, roundoff
from safecheck.rewrite.algebra.plane import Plane
from safecheck.rewrite.algebra.ranged import POSITIVE, ROOTS, Curve, claim_of, curve_of, ends, inverted
from safecheck.rewrite.attributes import attribute
from safecheck.rewrite.builder import Builder
from safecheck.rewrite.graph import MutableGraph
from safecheck.rewrite.ranges import Quantity, Ranges
from safecheck.rewrite.rule import Candidate, Match

EXPONENTS = (-20.0, 20.0)
"""Assumed of arguments of Exp; below, 2e-9 is taken for zero."""
_LARGEST_POWER = 60.0
"""Magnitudes of exponents that broken and negative powers may reach; the error grows with it."""
_LEAST_REACH = 1e6
"""What is raised to such a power is assumed to be at most so large, and at least one over that, or more."""
_UNDERFLOW = -87.0
"""Below, exp(x) is no normal number in FP32."""


class FunctionOnRange:
    """Exp, Log, Sqrt, Reciprocal, Pow, Softplus, Mish, Elu, Selu, Celu and Softsign."""

    name = "function-on-range"
    remedies: tuple[str, ...] = ()

    def match(self, graph: MutableGraph, node: Any) -> Match | None:
        """Offer the program for the operator."""
        write = _WRITERS.get(node.op_type)
        if write is None and node.op_type != "Reciprocal":
            return None
        x, result = node.input[0], node.output[0]
        dims, dtype = graph.dims(x), graph.tensor(x).dtype
        if node.op_type == "Pow" and (dims != graph.dims(result) or graph.constant(node.input[1]) is None):
            return None
        if dims is None or not all(dims) or graph.constant(x) is not None:
            return Match((node,), reason="the shape is not fixed, or empty")
        if dtype != "FLOAT":
            return Match((node,), reason="its range does not fit into FP16; keep it in FP32")
        builder = Builder(graph, result)
        plane = Plane(builder, dims, dtype)
        if write is None or _is_inverse(graph, node):
            curve, x = inverted(graph, x, plane)
        else:
            written = write(graph, node, plane, plane.enter(x))
            if isinstance(written, str):
                return Match((node,), reason=written) if written else None
            curve = written
        replacement = builder.replacement(plane.inputs([x]), {result: plane.leave(curve.value)})
        return Match((node,), (Candidate(replacement, claim_of(curve, plane, x, dtype)),))


def _is_inverse(graph: MutableGraph, node: Any) -> bool:
    exponent = graph.constant(node.input[1]) if node.op_type == "Pow" else None
    return node.op_type == "Reciprocal" or (
        exponent is not None and exponent.size == 1 and float(exponent.item()) == -1
    )


_Written = Curve | str
"""The curve; why there is none; or an empty string for nothing to say."""


def _exp(graph: MutableGraph, node: Any, plane: Plane, x: str) -> _Written:
    low, high = EXPONENTS
    measured = graph.memo(Ranges).of(graph, Quantity(node.input[0], "elements"))
    if measured is not None:
        high = min(max(measured.high, 0.5), 88.0)
    found = approximate.exponential(plane, x, low, high)
    whole = Approximation(found.value, found.relative, 1.1 * exp(low))  # what is below counts as low
    made = curve_of(whole, (_UNDERFLOW, high), "a polynomial in x / 2^k, squared k times", "derived")
    return replace(made, how="" if measured is None else measured.how)


def _log(graph: MutableGraph, node: Any, plane: Plane, x: str) -> _Written:
    low, high, how = ends(graph, node.input[0], POSITIVE)
    method = "segments, then the logarithm of what they are off by"
    return replace(curve_of(approximate.logarithm(plane, x, low, high), (low, high), method), how=how)


def _sqrt(graph: MutableGraph, node: Any, plane: Plane, x: str) -> _Written:
    result = node.output[0]
    readers = graph.consumers(result)
    if readers and not graph.is_output(result) and all(_is_inverse(graph, reader) for reader in readers):
        return ""  # they read what the root is taken of
    low, high, how = ends(graph, node.input[0], ROOTS)
    found = approximate.root(plane, x, low, high)
    made = curve_of(found, (0.0, high), "x / sqrt(x), by segments and Newton's iteration", "derived")
    return replace(made, how=how)


def _pow(graph: MutableGraph, node: Any, plane: Plane, x: str) -> _Written:
    """Roots by themselves; other broken and negative powers as exp(p log(x)) for positive x."""
    array = graph.constant(node.input[1])
    if array is None or not array.size or bool((array != array.reshape(-1)[0]).any()):
        return ""
    exponent = float(array.reshape(-1)[0])
    if exponent in (0.5, -0.5):
        low, high, how = ends(graph, node.input[0], ROOTS)
        write = approximate.root if exponent > 0 else approximate.inverse_root
        limits = (0.0 if exponent > 0 else low, high)
        made = curve_of(write(plane, x, low, high), limits, "segments and Newton's iteration for 1 / sqrt(x)")
        return replace(made, how=how)
    if exponent.is_integer() and exponent > 0:
        return ""  # a product of equal factors
    reach = max(_LEAST_REACH, exp(min(log(POSITIVE[1]), (_LARGEST_POWER - 1) / max(abs(exponent), 1.0))))
    low, high, how = ends(graph, node.input[0], (1 / reach, reach))
    most = abs(exponent) * max(abs(log(low)), abs(log(high))) + 1
    if most > _LARGEST_POWER + 1e-6:
        return f"between {low:g} and {high:g} the result leaves the range of the type"
    logarithm = approximate.logarithm(plane, x, low, high)
    found = approximate.exponential(plane, plane.affine(logarithm.value, exponent), -most, most)
    relative = found.relative + 1.1 * abs(exponent) * logarithm.absolute + 2 * most * roundoff(plane)
    if exponent < 0:
        return replace(curve_of(Approximation(found.value, relative), (low, high), "exp(p log(x))"), how=how)
    whole = Approximation(found.value, relative, 1.1 * low**exponent)  # what is below counts as low
    return replace(curve_of(whole, (0.0, high), "exp(p log(x))", "derived"), how=how)


def _softplus_of(plane: Plane, x: str) -> Approximation:
    """log(1 + exp(x)) = relu(x) + log(1 + exp(-|x|))."""
    above = plane.relu(x)
    size = plane.add(above, plane.relu(plane.affine(x, -1.0)))
    decay = approximate.decay(plane, plane.affine(size, -1.0))
    rest = approximate.log_of_one_more(plane, decay.value)
    absolute = rest.absolute + 1.1 * decay.absolute  # exp(-|x|) may come out a little above 1, where q still holds
    return Approximation(plane.add(above, rest.value), 2 * roundoff(plane), absolute)


def _softplus(graph: MutableGraph, node: Any, plane: Plane, x: str) -> _Written:
    return curve_of(_softplus_of(plane, x), (-inf, inf), "relu(x) + log(1 + exp(-|x|)), by polynomials")


def _mish(graph: MutableGraph, node: Any, plane: Plane, x: str) -> _Written:
    """The product of x and tanh(softplus(x)) = 2 sigmoid(2 softplus(x)) - 1, whose slope is at most 1."""
    inner = _softplus_of(plane, x)
    gate = plane.affine(plane.sigmoid(plane.affine(inner.value, 2.0)), 2.0, -1.0)
    u = roundoff(plane)
    off = inner.absolute + 2 * u + 12 * u
    made = plane.multiply(x, gate)
    return Curve(
        made, (-inf, inf), lambda value, exact: off * abs(value) + 2 * u * exact,
        "x (2 sigmoid(2 softplus(x)) - 1), softplus by polynomials", f"{off:.2g} |x|",
    )  # fmt: skip


def _exponential_unit(plane: Plane, x: str, alpha: float, slope: float, rate: float) -> Curve:
    """The sum of slope x for positive x, alpha (exp(rate x) - 1) for others; one of the terms is zero."""
    below = approximate.decay(plane, plane.affine(plane.relu(plane.affine(x, -1.0)), -rate))
    bent = plane.affine(below.value, alpha, -alpha)
    above = plane.relu(x)
    made = plane.add(plane.affine(above, slope) if slope != 1 else above, bent)
    u = roundoff(plane)
    off = abs(alpha) * (below.absolute + 4 * u)
    # The argument rate x is rounded once: x exp(x) is at most exp(-1).
    return Curve(
        made, (-inf, inf), lambda value, exact: off + 4 * u * exact, "relu(x) and exp(min(x, 0)) - 1 by a polynomial",
        f"{off:.2g}; near zero the negative side has no relative accuracy",
    )  # fmt: skip


def _parameter(node: Any, name: str, default: float) -> float:
    found = attribute(node, name)
    return default if found is None else float(found.f)


def _elu(graph: MutableGraph, node: Any, plane: Plane, x: str) -> _Written:
    return _exponential_unit(plane, x, _parameter(node, "alpha", 1.0), 1.0, 1.0)


def _selu(graph: MutableGraph, node: Any, plane: Plane, x: str) -> _Written:
    gamma = _parameter(node, "gamma", 1.05070102214813232421875)
    return _exponential_unit(plane, x, gamma * _parameter(node, "alpha", 1.67326319217681884765625), gamma, 1.0)


def _celu(graph: MutableGraph, node: Any, plane: Plane, x: str) -> _Written:
    alpha = _parameter(node, "alpha", 1.0)
    if alpha <= 0:
        return "alpha is not positive"
    return _exponential_unit(plane, x, alpha, 1.0, 1 / alpha)


def _softsign(graph: MutableGraph, node: Any, plane: Plane, x: str) -> _Written:
    """The quotient x / (1 + |x|)."""
    high = POSITIVE[1]
    x = approximate.kept(plane, x, -high, high)  # beyond, the result stays near 1
    size = plane.add(plane.relu(x), plane.relu(plane.affine(x, -1.0)))
    found = approximate.inverse(plane, plane.affine(size, 1.0, 1.0), 1.0, high, below=False)
    made = plane.multiply(x, found.value)
    whole = Approximation(made, found.relative + 3 * roundoff(plane))
    return curve_of(whole, (-high + 2, high - 2), "x times 1 / (1 + |x|), by segments and Newton's iteration")


_WRITERS: dict[str, Callable[[MutableGraph, Any, Plane, str], _Written]] = {
    "Celu": _celu,
    "Elu": _elu,
    "Exp": _exp,
    "Log": _log,
    "Mish": _mish,
    "Pow": _pow,
    "Selu": _selu,
    "Softplus": _softplus,
    "Softsign": _softsign,
    "Sqrt": _sqrt,
}
