"""Average pools that a scope does not take become smaller ones, or depthwise convolutions."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import Any

from safecheck.ir.protos import numpy_type
from safecheck.rewrite.algebra.collapse import WINDOW, Collapse
from safecheck.rewrite.attributes import integer, integers, text
from safecheck.rewrite.builder import Builder
from safecheck.rewrite.graph import MutableGraph
from safecheck.rewrite.rule import Candidate, Claim, Match
from safecheck.rewrite.rules.reduce import ReduceMeanToAveragePool

_EXCLUSIVE = "the mean leaves padding out, so its divisor is another one at the border"


class AveragePoolInSteps:
    """One large window over the whole map becomes several small ones, one after the other."""

    name = "average-pool-in-steps"
    remedies = ()

    def match(self, graph: MutableGraph, node: Any) -> Match | None:
        """Offer windows up to the limit that is known, if the large one covers everything and nothing else."""
        if node.op_type != "AveragePool" or any(integers(node, "pads") or ()):
            return None
        dims, window = graph.dims(node.input[0]), integers(node, "kernel_shape")
        if dims is None or len(dims) != 4 or dims[2:] != window or max(window) <= WINDOW:
            return None
        collapse = Collapse(Builder(graph, node.output[0]), node.input[0], dims)
        collapse.pool("AveragePool", (2, 3), WINDOW)
        collapse.view((*dims[:2], 1, 1))
        replacement = collapse.builder.replacement([node.input[0]], {node.output[0]: collapse.value})
        claim = ReduceMeanToAveragePool().claim(node, dims, (2, 3), collapse.roundings)
        return Match((node,), (Candidate(replacement, claim),))


class AveragePoolToConvolution:
    """An average with a fixed divisor is a depthwise convolution with equal weights."""

    name = "average-pool-to-convolution"
    remedies = ()

    def match(self, graph: MutableGraph, node: Any) -> Match | None:
        """Offer the convolution, if padding counts or there is none."""
        if (
            node.op_type != "AveragePool"
            or integer(node, "ceil_mode", 0)
            or text(node, "auto_pad", "NOTSET") != "NOTSET"
        ):
            return None
        dims, window = graph.dims(node.input[0]), integers(node, "kernel_shape")
        if dims is None or len(dims) != 4 or window is None:
            return None
        pads = integers(node, "pads") or (0, 0, 0, 0)
        if any(pads) and not integer(node, "count_include_pad", 0):
            return Match((node,), reason=_EXCLUSIVE)
        builder = Builder(graph, node.output[0])
        value = builder.conv(
            node.input[0],
            _equal(graph, node.input[0], (dims[1], 1, *window)),
            group=dims[1],
            pads=pads,
            strides=integers(node, "strides"),
            dilations=integers(node, "dilations"),
        )
        replacement = builder.replacement([node.input[0]], {node.output[0]: value})
        return Match((node,), (Candidate(replacement, _claim(node.input[0], prod(window))),))


def _equal(graph: MutableGraph, value: str, shape: tuple[int, ...]) -> Any:
    import numpy

    return numpy.full(shape, 1 / prod(shape[1:]), numpy_type(graph.tensor(value).dtype or "FLOAT"))


def _claim(source: str, count: int) -> Claim:
    """Two summations of the same elements; one divides the sum, the other multiplies every element by a rounded number.

    Higham, Accuracy and Stability of Numerical Algorithms, section 3.1: n + 1 roundings on either side at most, and one
    of the weight.
    """

    def limit(feed: Mapping[str, Any], expected: Any) -> Any:
        import numpy

        unit = float(numpy.finfo(expected.dtype).eps) / 2
        data = numpy.abs(feed[source].astype(numpy.float64))
        largest = float(data.max(initial=0.0, where=numpy.isfinite(data)))
        smallest = float(numpy.finfo(expected.dtype).smallest_subnormal)
        n = count + 2
        return 2 * n * unit / (1 - n * unit) * largest + n * smallest

    return Claim(
        "bounded",
        "both sides are means of the same elements, in which padding counts as zero",
        limit=limit,
        bound=f"2 gamma({count + 2}) x max|x|, whatever the order of the sums",
    )
