"""Why a one-dimensional network output cannot be helped."""

from __future__ import annotations

from typing import Any

from safecheck.rewrite.graph import MutableGraph
from safecheck.rewrite.rule import Match

_VIEWS = ("Reshape", "Squeeze", "Flatten", "Gather", "Slice")


class KeepRank:
    """Inside the network, low ranks are lifted; a network output keeps the shape that its readers know."""

    name = "keep-rank"
    remedies = ("keep-rank",)

    def match(self, graph: MutableGraph, node: Any) -> Match | None:
        """The reason, for the node that makes such an output."""
        if node.op_type not in _VIEWS or not any(
            graph.is_output(name) and len(graph.dims(name) or (1, 1)) == 1 for name in node.output
        ):
            return None
        return Match(
            (node,),
            reason="the network output has one dimension, and another shape would change the interface of the network: "
            "export it with a dimension of 1 in front, or with a batch above 1",
        )
