"""Parameters of sliding windows that are told by a mode are told by numbers."""

from __future__ import annotations

from math import prod
from typing import Any

from safecheck.rewrite.algebra.windows import pads_of
from safecheck.rewrite.attributes import integer, integers, text
from safecheck.rewrite.builder import Builder
from safecheck.rewrite.graph import MutableGraph
from safecheck.rewrite.rule import Candidate, Claim, Match
from safecheck.rewrite.rules.pooling import same_windows

_CLAIM = Claim("exact", "the same operator on the same windows; the mode stands for these numbers")


class StatePadding:
    """`auto_pad` becomes `pads`, and `ceil_mode` goes where both ways of rounding give the same size."""

    name = "state-padding"
    remedies = ()

    def match(self, graph: MutableGraph, node: Any) -> Match | None:
        """Offer the operator with numbers."""
        if node.op_type not in ("AveragePool", "MaxPool", "Conv"):
            return None
        mode, ceil = text(node, "auto_pad", "NOTSET"), integer(node, "ceil_mode", 0)
        if (mode == "NOTSET" and not ceil) or len(node.output) > 1:
            return None
        before, after = graph.dims(node.input[0]), graph.dims(node.output[0])
        extent = _extent(graph, node)
        if before is None or after is None or extent is None:
            return Match((node,), reason="the shape before or after is not fixed, so the padding has no numbers")
        strides = integers(node, "strides") or (1,) * len(extent)
        pads = pads_of(node, before[2:], after[2:], extent, strides)
        if pads is None:
            return None
        spans = [size + pads[axis] + pads[axis + len(extent)] - extent[axis] for axis, size in enumerate(before[2:])]
        if tuple(span // stride + 1 for span, stride in zip(spans, strides, strict=True)) != after[2:]:
            return Match((node,), reason="the last window hangs over the border, as ceil_mode asks for")
        builder = Builder(graph, node.output[0])
        value = builder.again(node, node.input, pads=pads, auto_pad=None, ceil_mode=None)[0]
        computed = [name for name in node.input if name and name not in graph.initializers]
        # A runtime may add the elements of a mean in another order when it is not asked to round up.
        claim = same_windows(node, prod(extent)) if node.op_type == "AveragePool" else _CLAIM
        return Match((node,), (Candidate(builder.replacement(computed, {node.output[0]: value}), claim),))


def _extent(graph: MutableGraph, node: Any) -> tuple[int, ...] | None:
    """The size of the window including the gaps of dilation."""
    kernel = integers(node, "kernel_shape")
    if kernel is None and node.op_type == "Conv":
        kernel = (graph.dims(node.input[1]) or ())[2:] or None
    if kernel is None:
        return None
    dilations = integers(node, "dilations") or (1,) * len(kernel)
    return tuple((size - 1) * gap + 1 for size, gap in zip(kernel, dilations, strict=True))
