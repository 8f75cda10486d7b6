"""Why the ends of a network that do not have four dimensions cannot be helped, and what helps."""

from __future__ import annotations

from typing import Any

from safecheck.rewrite.graph import MutableGraph
from safecheck.rewrite.rule import Match
from safecheck.text import printable

_VIEWS = ("Reshape", "Squeeze", "Unsqueeze", "Flatten", "Gather", "Slice")


class KeepRank:
    """Inside the network, low ranks are lifted; network inputs and outputs keep the shapes that their users know."""

    name = "keep-rank"
    remedies = ("keep-rank",)

    def match(self, graph: MutableGraph, node: Any) -> Match | None:
        """The reason, for a node that reads such an input or makes such an output."""
        if node.op_type not in _VIEWS:
            return None
        ends = [("input", value.name) for value in graph.proto.graph.input if value.name in node.input[:1]]
        ends += [("output", name) for name in node.output if graph.is_output(name)]
        for kind, name in ends:
            rank = len(graph.dims(name) or (1,) * 4)
            if rank != 4:
                return Match(
                    (node,),
                    reason=f"the network {kind} {printable(name, 60)} has {rank} "
                    f"{'dimension' if rank == 1 else 'dimensions'}, and another shape would change the interface of "
                    "the network: --io 4d gives it four, with the same bytes",
                )
        return None
