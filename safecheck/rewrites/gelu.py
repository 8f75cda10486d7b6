"""GELU out of products, depthwise convolutions and one sigmoid, in the exact and in the tanh form.

The tanh form is x sigmoid(2 sqrt(2 / pi) (x + 0.044715 x^3)), because (1 + tanh z) / 2 = sigmoid(2 z). The exact form
is x Phi(x) with the normal distribution function Phi; here Phi(x) = sigmoid(p(x)) with an odd polynomial p close to
logit(Phi(x)), fitted by `benchmarks/fit_gelu.py`, which also checks the error for all x.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import pi, prod, sqrt
from typing import Any

from safecheck.rewrites.contract import Claim, Option, Site
from safecheck.rewrites.pointwise import WIDE
from safecheck.rewrites.rounding import FLOATS, gamma, unit
from safecheck.workshop.attributes import text
from safecheck.workshop.bench import Bench
from safecheck.workshop.sketch import Sketch
from safecheck.workshop.weights import numpy_type

TANH = (2 * sqrt(2 / pi), 2 * sqrt(2 / pi) * 0.044715)
"""Coefficients of x, x^3."""
EXACT = (
    1.5957690617004694,
    0.07266759373952007,
    -6.572201871959002e-05,
    -0.00011061825114189625,
    7.955727278279676e-06,
    -2.67947201156967e-07,
    3.634999358451357e-09,
)
"""Coefficients of x, x^3, ..., x^13."""
EXACT_ERROR = 7e-8
"""Bound of |sigmoid(p(x)) - Phi(x)| max(1, |x|) for all x."""
_CLOSE = 1e-6


class GeluToSigmoid:
    """The operator Gelu, and the five nodes that exporters write for it below opset 20."""

    name = "gelu-to-sigmoid"
    remedies = ("gelu-to-sigmoid",)

    def match(self, bench: Bench, node: Any) -> Site | None:
        """Offer the polynomial and the sigmoid in the shape of the value."""
        if node.op_type == "Gelu":
            source, result, nodes = node.input[0], node.output[0], (node,)
            tanh = text(node, "approximate", "none") == "tanh"
        elif node.op_type == "Erf":
            found = _written_out(bench, node)
            if found is None:
                return Site((node,), reason="this Erf is not part of a GELU, and nothing permitted computes it alone")
            source, result, nodes = found
            tanh = False
        else:
            return None
        dims, dtype = bench.dims(source), bench.tensor(source).dtype or ""
        if dims is None or dtype not in FLOATS or not prod(dims):
            return Site(nodes, reason="the type or shape of the value is not one that a convolution takes")
        coefficients = TANH if tanh else EXACT
        sketch = Sketch(bench, result)
        made = _gelu(sketch, source, dims, dtype, coefficients)
        replacement = sketch.replacement([source], {result: made})
        return Site(nodes, (Option(replacement, _claim(source, dtype, coefficients, tanh)),))


def _gelu(sketch: Sketch, source: str, dims: Sequence[int], dtype: str, coefficients: Sequence[float]) -> str:
    seen = _four(dims)
    value = source if tuple(dims) == seen else sketch.reshape(source, seen)
    square = sketch.add("Mul", [value, value])
    total = _scaled(sketch, square, seen, dtype, coefficients[-1], coefficients[-2])
    for coefficient in coefficients[-3::-1]:
        total = _scaled(sketch, sketch.add("Mul", [total, square]), seen, dtype, 1.0, coefficient)
    gate = sketch.add("Sigmoid", [sketch.add("Mul", [total, value])])
    made = sketch.add("Mul", [value, gate])
    return made if tuple(dims) == seen else sketch.reshape(made, dims)


def _four(dims: Sequence[int]) -> tuple[int, ...]:
    """Four dimensions whose second one is no more than a convolution may have channels."""
    if len(dims) == 4 and dims[1] <= WIDE:
        return tuple(dims)
    widened = (*(1,) * (4 - len(dims)), *dims) if len(dims) < 4 else (*dims[:2], prod(dims[2:-1]), dims[-1])
    return widened if widened[1] <= WIDE else (widened[0] * widened[1], 1, *widened[2:])


def _scaled(sketch: Sketch, value: str, dims: Sequence[int], dtype: str, scale: float, shift: float) -> str:
    """Scale x + shift as a depthwise 1x1 convolution."""
    import numpy

    kind = numpy_type(dtype)
    weights = numpy.full((dims[1], 1, 1, 1), scale, kind)
    return sketch.conv(value, weights, numpy.full(dims[1], shift, kind), group=dims[1])


def _claim(source: str, dtype: str, coefficients: Sequence[float], tanh: bool) -> Claim:
    """The polynomial is evaluated by Horner's rule; its error passes through the slope of the sigmoid.

    Horner with n coefficients is within gamma(2 n) of the sum of magnitudes S(|x|) (Higham, section 5.1); here squaring
    and the last product add three roundings per power. The slope of the sigmoid at p is at most exp(-|p|), and |x|
    times that is the error of the product. Sigmoid, erf and tanh themselves are taken to be within 4 units of the last
    place.
    """
    roundoff = unit(dtype)

    def limit(feed: Mapping[str, Any], expected: Any) -> Any:
        import numpy

        x = numpy.abs(feed[source].astype(numpy.float64))
        near = numpy.minimum(x, 40.0)  # beyond, both sides are 0 or x
        terms = sum(abs(c) * near ** (2 * power + 1) for power, c in enumerate(coefficients))
        value = numpy.abs(sum(c * near ** (2 * power + 1) for power, c in enumerate(coefficients)))
        moved = gamma(5 * len(coefficients), roundoff) * terms
        slope = numpy.exp(-numpy.maximum(value - moved, 0.0))
        approximation = 0.0 if tanh else EXACT_ERROR / numpy.maximum(near, 1.0)
        return (
            x * (approximation + numpy.minimum(moved * slope, 1.0) + 16 * roundoff) + numpy.finfo(expected.dtype).tiny
        )

    form = "the tanh form is a sigmoid" if tanh else f"Phi is within {EXACT_ERROR:g} of the sigmoid of a polynomial"
    return Claim(
        "bounded",
        f"{form}; the rest is rounding, damped by the slope of the sigmoid",
        limit=limit,
        finite_only=True,
        caveats=("minus infinity gives NaN, as in most implementations, where the limit would be 0",),
        bound=("" if tanh else f"{EXACT_ERROR:g} min(1, |x|) + ")
        + f"|x| (gamma({5 * len(coefficients)}) S(|x|) exp(-|p(x)|) + 16 u), S the sum of magnitudes in p",
    )


def _written_out(bench: Bench, erf: Any) -> tuple[str, str, tuple[Any, ...]] | None:
    """Source, result and nodes of 0.5 x (1 + erf(x / sqrt(2))), the factors in any order."""
    scaled = bench.producer(erf.input[0])
    if scaled is None or scaled.op_type not in ("Div", "Mul"):
        return None
    source, factor = _split(bench, scaled)
    wanted = sqrt(2) if scaled.op_type == "Div" else 1 / sqrt(2)
    if (
        factor is None
        or abs(factor - wanted) > _CLOSE * wanted
        or (scaled.op_type == "Div" and scaled.input[0] != source)
    ):
        return None
    shifted = _only_reader(bench, erf.output[0])
    if shifted is None or shifted.op_type != "Add" or _split(bench, shifted)[1] != 1.0:
        return None
    nodes = [erf, scaled, shifted]
    at, left = shifted, {"half", source}
    while left:
        at = _only_reader(bench, at.output[0])
        if at is None or at.op_type != "Mul":
            return None
        nodes.append(at)
        other = next((name for name in at.input if name != nodes[-2].output[0]), "")
        half = bench.producer(other)
        if _scalar(bench, other) == 0.5 and "half" in left:
            left.remove("half")
        elif other == source and source in left:
            left.remove(source)
        elif (
            half is not None
            and half.op_type == "Mul"
            and left == {"half", source}
            and _split(bench, half) == (source, 0.5)
        ):
            nodes.append(half)
            left = set()
        else:
            return None
    return source, at.output[0], tuple(nodes)


def _split(bench: Bench, node: Any) -> tuple[str, float | None]:
    """The computed operand and the constant one."""
    first, second = node.input
    if _scalar(bench, first) is not None:
        return second, _scalar(bench, first)
    return first, _scalar(bench, second)


def _scalar(bench: Bench, name: str) -> float | None:
    array = bench.constant(name)
    return float(array.reshape(-1)[0]) if array is not None and array.size == 1 else None


def _only_reader(bench: Bench, name: str) -> Any | None:
    readers = bench.consumers(name)
    return readers[0] if len(readers) == 1 and name not in bench.outputs else None
