"""GridSample as every parser reads it: operator set 20 renamed the modes, and kept the linear one as the default."""

from __future__ import annotations

from typing import Any

from safecheck.rewrite.attributes import text
from safecheck.rewrite.builder import Builder
from safecheck.rewrite.graph import MutableGraph
from safecheck.rewrite.rule import Candidate, Claim, Match

_RENAMED = 20
"""The operator set in which `bilinear` became `linear`."""
_CLAIM = Claim("exact", "the same operator: the mode that is left out is the one that it has by default")


class SampleByDefault:
    """GridSample without the name of its default mode, which parsers of earlier operator sets take for another."""

    name = "sample-by-default"
    remedies: tuple[str, ...] = ()

    def match(self, graph: MutableGraph, node: Any) -> Match | None:
        """Offer the operator without the attribute."""
        written = any(attribute.name == "mode" for attribute in node.attribute)
        if node.op_type != "GridSample" or graph.opset < _RENAMED or not written:
            return None
        if text(node, "mode", "linear") != "linear":
            return None
        builder = Builder(graph, node.output[0])
        value = builder.again(node, node.input, mode=None)[0]
        computed = [name for name in dict.fromkeys(node.input) if name not in graph.initializers]
        return Match((node,), (Candidate(builder.replacement(computed, {node.output[0]: value}), _CLAIM),))
