"""Means over height and width become an average pool with a window that covers them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from safecheck.rewrites.contract import Claim, Option, Site
from safecheck.workshop.attributes import axes_of, integer
from safecheck.workshop.bench import Bench
from safecheck.workshop.sketch import Sketch


class ReduceMeanToAveragePool:
    """ReduceMean and GlobalAveragePool over the spatial axes of a four-dimensional tensor."""

    name = "reduce-mean-to-average-pool"
    remedies = ("reduce-mean-to-average-pool",)

    def match(self, bench: Bench, node: Any) -> Site | None:
        """Offer the pool, and a reshape where the mean drops its axes."""
        if node.op_type not in ("ReduceMean", "GlobalAveragePool"):
            return None
        dims = bench.dims(node.input[0])
        if dims is None:
            return Site((node,), reason="the shape of the input is not fixed")
        axes = axes_of(bench, node, len(dims)) if node.op_type == "ReduceMean" else tuple(range(2, len(dims)))
        if axes is None:
            return Site((node,), reason="the axes are computed at run time")
        if len(dims) != 4 or axes != (2, 3):
            return Site(
                (node,), reason=f"the mean runs over axes {list(axes)} of {len(dims)}, not over height and width"
            )
        sketch = Sketch(bench, node.output[0])
        pooled = sketch.add("AveragePool", [node.input[0]], kernel_shape=dims[2:], strides=(1, 1))
        if node.op_type == "ReduceMean" and not integer(node, "keepdims", 1):
            pooled = sketch.reshape(pooled, dims[:2])
        replacement = sketch.replacement([node.input[0]], {node.output[0]: pooled})
        return Site((node,), (Option(replacement, mean_claim(node.input[0], dims[2] * dims[3], (2, 3))),))


def mean_claim(value: str, count: int, axes: tuple[int, ...]) -> Claim:
    """Two summations of the same elements in different order.

    Each of them is within gamma(n) = n u / (1 - n u) of the exact mean of magnitudes, whatever the order (Higham,
    Accuracy and Stability of Numerical Algorithms, section 4.2), u being the unit roundoff; the division adds one more
    rounding.
    """

    def limit(feed: Mapping[str, Any], expected: Any) -> Any:
        import numpy

        unit = float(numpy.finfo(expected.dtype).eps) / 2
        n = count + 1
        magnitude = numpy.abs(feed[value].astype(numpy.float64)).mean(axis=axes, keepdims=True)
        tiny = float(numpy.finfo(expected.dtype).tiny)
        return 2 * n * unit / (1 - n * unit) * magnitude.reshape(expected.shape) + 2 * tiny * unit * 2

    return Claim(
        "bounded",
        "both sides are a sum of the same elements, in another order, divided by their number",
        limit=limit,
        bound=f"2 gamma({count + 1}) x mean of |x|, whatever the order of the sum",
    )
