"""Pools whose parameters say more than they do."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import Any

from safecheck.rewrite.attributes import integers
from safecheck.rewrite.builder import Builder
from safecheck.rewrite.graph import MutableGraph
from safecheck.rewrite.rule import Candidate, Claim, Match


class PoolStrideToOne:
    """A window that is applied once along an axis makes the stride there irrelevant."""

    name = "pool-stride-to-one"
    remedies = ("pool-stride-to-one",)

    def match(self, graph: MutableGraph, node: Any) -> Match | None:
        """Offer the smallest stride that still gives one place."""
        if node.op_type not in ("AveragePool", "MaxPool") or len(node.output) > 1:
            return None
        before, after = graph.dims(node.input[0]), graph.dims(node.output[0])
        strides, kernel = integers(node, "strides"), integers(node, "kernel_shape")
        if before is None or after is None or strides is None or kernel is None:
            return None
        pads = integers(node, "pads") or (0,) * (2 * len(kernel))
        spans = [
            size + pads[axis] + pads[axis + len(kernel)] - window
            for axis, (size, window) in enumerate(zip(before[2:], kernel, strict=True))
        ]
        wanted = [
            min(stride, max(1, span + 1)) if places == 1 else stride
            for stride, span, places in zip(strides, spans, after[2:], strict=True)
        ]
        if wanted == list(strides):
            return None
        builder = Builder(graph, node.output[0])
        value = builder.add(node.op_type, [node.input[0]], strides=wanted)
        builder.nodes[-1].attribute.extend(part for part in node.attribute if part.name != "strides")
        replacement = builder.replacement([node.input[0]], {node.output[0]: value})
        return Match((node,), (Candidate(replacement, same_windows(node, prod(kernel))),))


def same_windows(node: Any, count: int) -> Claim:
    """A maximum has no order; a runtime may add the same elements in another order when the stride is another.

    Each of two sums of n elements is within gamma(n) of the exact one, relative to the sum of magnitudes (Higham,
    Accuracy and Stability of Numerical Algorithms, section 4.2).
    """
    method = "the same window in the same place"
    if node.op_type == "MaxPool":
        return Claim("exact", method)

    def limit(feed: Mapping[str, Any], expected: Any) -> Any:
        import numpy

        unit = float(numpy.finfo(expected.dtype).eps) / 2
        data = numpy.abs(feed[node.input[0]].astype(numpy.float64))
        largest = float(data.max(initial=0.0, where=numpy.isfinite(data)))
        return 2 * (count + 1) * unit / (1 - (count + 1) * unit) * largest + float(numpy.finfo(expected.dtype).tiny)

    return Claim("bounded", method, limit=limit, bound=f"2 gamma({count + 1}) x max|x|, whatever the order of the sum")
