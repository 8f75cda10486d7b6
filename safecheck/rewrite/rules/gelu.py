"""Gelu, Tanh and Erf as gates of Sigmoid, whose argument is a polynomial.

With the distribution function Phi of the normal distribution and s(x) = 1 / (1 + exp(-x)):

- tanh(x) = 2 s(2 x) - 1, so that x / 2 * (1 + tanh(u)) = x s(2 u) for any u: the tanh form of Gelu is such a gate
  (Hendrycks and Gimpel, Gaussian Error Linear Units, arXiv 1606.08415);
- erf(x) = 2 Phi(sqrt(2) x) - 1 and Gelu(x) = x Phi(x), with Phi(x) = s(p(x)) to within 3e-8 for an odd polynomial p,
  fitted and shown to hold for every x in `benchmarks/fit_gelu.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import pi, sqrt
from typing import Any

from safecheck.rewrite.algebra.curve import Polynomial, gate
from safecheck.rewrite.algebra.plane import UNSIGNED_ZERO, Plane
from safecheck.rewrite.algebra.rounding import FLOATS, gamma, smallest, unit
from safecheck.rewrite.attributes import text
from safecheck.rewrite.builder import Builder
from safecheck.rewrite.graph import MutableGraph
from safecheck.rewrite.rule import Candidate, Claim, Match

LOGIT_OF_PHI = (6.38307953, 4.65063477, -0.06675405, -1.81227732, 2.07868266, -1.10952961, 0.23572341)
"""log(Phi(x) / (1 - Phi(x))) is about the sum of c[k] (x / 4)^(2 k + 1). The last one is positive, so that Phi
saturates; x / 4 keeps every coefficient and power within the range of half precision."""
FIT = {"FLOAT": 3.0e-8, "FLOAT16": 7.5e-6}
"""Largest |s(p(x)) - Phi(x)| over all x, the coefficients rounded to the type. Shown in `benchmarks/fit_gelu.py`."""
_SLOPE = 0.224
"""Largest s'(p) p, which is also the largest s'(p) times the sum of the magnitudes of the terms of p: so much of a
relative error of p reaches s."""
_LIBRARY = 4
"""Unit roundoffs by which an implementation of s, tanh or erf, whose values are below 1, may be off."""
_TANH = (2 * sqrt(2 / pi), 2 * sqrt(2 / pi) * 0.044715)
_NONFINITE = "at minus infinity and at NaN it may differ: the gate there is zero times infinity"


class GeluToSigmoid:
    """Gelu in both forms, also where an exporter has written it out, and Tanh and Erf on their own."""

    name = "gelu-to-sigmoid"
    remedies: tuple[str, ...] = ()

    def match(self, graph: MutableGraph, node: Any) -> Match | None:
        """The whole gate around an Erf or Tanh node, or the node alone."""
        if node.op_type not in ("Erf", "Gelu", "Tanh"):
            return None
        dims, dtype = graph.dims(node.input[0]), graph.tensor(node.input[0]).dtype
        if dims is None or dtype not in FLOATS or 0 in dims:
            return Match((node,), reason="the shape or type of the input is not fixed to one of FLOAT and FLOAT16")
        if node.op_type == "Gelu":
            odd: tuple[float, ...] | None = _TANH if text(node, "approximate", "none") == "tanh" else None
            return Match((node,), (_gated(graph, node.input[0], node.output[0], odd),))
        found = gate(graph, node)
        if found is not None and node.op_type == "Erf" and _is_phi(found.inner, unit(dtype)):
            return Match(found.nodes, (_gated(graph, found.x, found.result, None),))
        if found is not None and node.op_type == "Tanh" and not any(found.inner[::2]):
            doubled = tuple(2 * entry for entry in found.inner[1::2])
            return Match(found.nodes, (_gated(graph, found.x, found.result, doubled),))
        return Match((node,), (_alone(graph, node),))


def _is_phi(inner: Polynomial, roundoff: float) -> bool:
    """Whether the argument of erf is x / sqrt(2), in as many digits as the type has."""
    return len(inner) == 2 and inner[0] == 0 and abs(inner[1] - sqrt(0.5)) <= 2 * roundoff


def _odd(plane: Plane, x: str, coefficients: Sequence[float]) -> str:
    """The sum of c[k] x^(2 k + 1) by Horner's rule; coefficients of a single term are a factor."""
    if len(coefficients) == 1:
        return plane.affine(x, coefficients[0])
    square = plane.multiply(x, x)
    value = plane.affine(square, coefficients[-1], coefficients[-2])
    for coefficient in reversed(coefficients[:-2]):
        value = plane.affine(plane.multiply(value, square), 1.0, coefficient)
    return plane.multiply(value, x)


def _argument(plane: Plane, x: str, odd: Sequence[float] | None, scale: float = 1.0) -> str:
    """p(scale x), or the odd polynomial that is given."""
    return _odd(plane, plane.affine(x, scale / 4), LOGIT_OF_PHI) if odd is None else _odd(plane, x, odd)


def _gated(graph: MutableGraph, x: str, result: str, odd: Sequence[float] | None) -> Candidate:
    """The product x s(p(x))."""
    dims, dtype = graph.dims(x) or (), graph.tensor(x).dtype or ""
    builder = Builder(graph, result)
    plane = Plane(builder, dims, dtype)
    start = plane.enter(x)
    made = plane.leave(plane.multiply(start, plane.sigmoid(_argument(plane, start, odd))))
    error = _error(dtype, odd)

    def limit(feed: Mapping[str, Any], expected: Any) -> Any:
        import numpy

        return (
            plane.magnitude(feed, x) * error
            + 4 * unit(dtype) * numpy.abs(expected.astype(numpy.float64))
            + 4 * smallest(dtype)
        )

    what = (
        "x Phi(x) with Phi(x) = sigmoid(p(x)), p an odd polynomial"
        if odd is None
        else "x / 2 (1 + tanh(u)) = x sigmoid(2 u)"
    )
    claim = Claim(
        "bounded", what, finite_only=True, caveats=(UNSIGNED_ZERO, _NONFINITE), limit=limit,
        bound=f"{error:.2g} |x|, rounding and approximation together",
    )  # fmt: skip
    return Candidate(builder.replacement(plane.inputs([x]), {result: made}), claim)


def _error(dtype: str, odd: Sequence[float] | None) -> float:
    """How far s(p(x)) may be off: the fit, the roundings of p on both sides, and what the functions themselves do."""
    fit, steps = (FIT[dtype], len(LOGIT_OF_PHI)) if odd is None else (0.0, len(odd))
    return fit + 1.1 * _SLOPE * gamma(2 * steps + 10, unit(dtype)) + 2 * _LIBRARY * unit(dtype)


def _alone(graph: MutableGraph, node: Any) -> Candidate:
    """Either 2 s(2 x) - 1 or 2 s(p(sqrt(2) x)) - 1."""
    x, result = node.input[0], node.output[0]
    dims, dtype = graph.dims(x) or (), graph.tensor(x).dtype or ""
    builder = Builder(graph, result)
    plane = Plane(builder, dims, dtype)
    odd: tuple[float, ...] | None = (2.0,) if node.op_type == "Tanh" else None
    value = plane.sigmoid(_argument(plane, plane.enter(x), odd, sqrt(2)))
    made = plane.leave(plane.affine(value, 2.0, -1.0))
    error = 2 * _error(dtype, odd) + 2 * unit(dtype)

    def limit(feed: Mapping[str, Any], expected: Any) -> Any:
        return error

    name = "tanh(x) = 2 sigmoid(2 x) - 1" if odd else "erf(x) = 2 Phi(sqrt(2) x) - 1 with Phi(x) = sigmoid(p(x))"
    claim = Claim(
        "bounded", f"{name}; near zero the result has no relative accuracy", finite_only=True,
        caveats=(UNSIGNED_ZERO,), limit=limit, bound=f"{error:.2g}, rounding and approximation together",
    )  # fmt: skip
    return Candidate(builder.replacement(plane.inputs([x]), {result: made}), claim)
