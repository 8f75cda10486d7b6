"""Average pools that a scope does not take become smaller ones, or depthwise convolutions."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import Any

from safecheck.ir.protos import numpy_type
from safecheck.rewrite.algebra.collapse import WINDOW, Collapse
from safecheck.rewrite.algebra.windows import Windows, counts_padding, windows
from safecheck.rewrite.attributes import integer, integers, text
from safecheck.rewrite.builder import Builder
from safecheck.rewrite.graph import MutableGraph
from safecheck.rewrite.rule import Candidate, Claim, Match
from safecheck.rewrite.rules.pooling import same_windows
from safecheck.rewrite.rules.reduce import ReduceMeanToAveragePool


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


class AveragePoolWithoutBorder:
    """Windows that see a border whose elements do not count are smaller windows without one."""

    name = "average-pool-without-border"
    remedies = ()

    def match(self, graph: MutableGraph, node: Any) -> Match | None:
        """Offer the windows that divide by as many elements as they see, if they are all of one size."""
        found = windows(graph, node) if node.op_type == "AveragePool" else None
        if found is None or len(found) != 2:
            return None
        plain = [_plain(axis, counts_padding(node)) for axis in found]
        if None in plain or [(axis.window, axis.stride, axis.low, axis.high) for axis in found] == plain:
            return None
        kernel, strides = ([size[at] for size in plain if size is not None] for at in (0, 1))
        builder = Builder(graph, node.output[0])
        value = builder.add("AveragePool", [node.input[0]], kernel_shape=kernel, strides=strides)
        replacement = builder.replacement([node.input[0]], {node.output[0]: value})
        return Match((node,), (Candidate(replacement, same_windows(node, prod(kernel))),))


def _plain(axis: Windows, padding: bool) -> tuple[int, int, int, int] | None:
    """Window, stride and no padding that mean the same along an axis; None if nothing does."""
    seen = [axis.elements(place) for place in range(axis.places)]
    window = len(seen[0])
    if not window or any(axis.divisor(place, padding) != window for place in range(axis.places)):
        return None
    stride = max(1, min(axis.stride, axis.size - window + 1)) if axis.places == 1 else axis.stride
    wanted = [list(range(place * stride, place * stride + window)) for place in range(axis.places)]
    fits = seen == wanted and (axis.size - window) // stride + 1 == axis.places
    return (window, stride, 0, 0) if fits else None


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
        if any(pads) and not counts_padding(node):
            return None  # the divisor is another one at the border: a linear map along either axis
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
