"""Guards against NaN where there is none: exporters replace the NaN of a softmax whose row is masked as a whole."""

from __future__ import annotations

from typing import Any

from safecheck.ir.walk import is_standard
from safecheck.rewrite.builder import Builder
from safecheck.rewrite.graph import MutableGraph
from safecheck.rewrite.masks import masked_scores, normalised_axes
from safecheck.rewrite.rule import Candidate, Claim, Match

_CLAIM = Claim(
    "exact",
    "the softmax of finite numbers is never NaN, and no row of its mask is minus infinity throughout",
    finite_only=True,
    caveats=("NaN that comes from the network's input stays NaN, where the guard made another value of it",),
)


class DropNeedlessGuard:
    """Where (IsNaN (s), other, s) is s if s is a softmax of finite numbers."""

    name = "drop-needless-guard"
    remedies: tuple[str, ...] = ()

    def match(self, graph: MutableGraph, node: Any) -> Match | None:
        """Offer what is guarded in place of the guard."""
        guarded = _guarded(graph, node)
        if guarded is None or graph.dims(guarded) is None or graph.dims(guarded) != graph.dims(node.output[0]):
            return None
        softmax = graph.producer(guarded)
        if softmax is None or softmax.op_type != "Softmax" or not is_standard(softmax):
            return None
        axes = normalised_axes(graph, softmax, len(graph.dims(guarded) or ()))
        scores = masked_scores(graph, softmax.input[0], axes)
        if isinstance(scores, str):
            return Match((node,), reason=f"the guard may be needed: {scores}")
        replacement = Builder(graph, node.output[0]).replacement([guarded], {node.output[0]: guarded})
        return Match((node,), (Candidate(replacement, _CLAIM),))


def _guarded(graph: MutableGraph, node: Any) -> str | None:
    """The value that a Where hands on unless it is NaN."""
    if node.op_type != "Where" or not is_standard(node):
        return None
    test, guarded = graph.producer(node.input[0]), node.input[2]
    if test is not None and test.op_type == "Not":
        test, guarded = graph.producer(test.input[0]), node.input[1]
    return guarded if test is not None and test.op_type == "IsNaN" and test.input[0] == guarded else None
