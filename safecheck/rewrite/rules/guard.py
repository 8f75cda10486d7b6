"""Guards against NaN where there is none: exporters replace the NaN of a softmax whose row is masked as a whole.

What else is guarded is followed as in `finite`. A guard of what only moves a network input stays: it is there for what
is fed.
"""

from __future__ import annotations

from typing import Any

from safecheck.ir.walk import is_standard
from safecheck.rewrite.builder import Builder
from safecheck.rewrite.finite import extent_of
from safecheck.rewrite.graph import MutableGraph
from safecheck.rewrite.masks import masked_scores, normalised_axes
from safecheck.rewrite.movement.operators import data_slots
from safecheck.rewrite.rule import Candidate, Claim, Match

_CAVEAT = "NaN that comes from the network's input stays NaN, where the guard made another value of it"
_SOFTMAX = "the softmax of finite numbers is never NaN, and no row of its mask is minus infinity throughout"
_FOLLOWED = "no operator before the guard makes NaN of the values that can reach it"


class DropNeedlessGuard:
    """Where (IsNaN (s), other, s) is s if s is never NaN while the network's inputs are finite."""

    name = "drop-needless-guard"
    remedies: tuple[str, ...] = ()

    def match(self, graph: MutableGraph, node: Any) -> Match | None:
        """Offer what is guarded in place of the guard."""
        guarded = _guarded(graph, node)
        if guarded is None or graph.dims(guarded) is None or graph.dims(guarded) != graph.dims(node.output[0]):
            return None
        reason, method = _needed(graph, guarded)
        if reason:
            return Match((node,), reason=f"the guard may be needed: {reason}")
        replacement = Builder(graph, node.output[0]).replacement([guarded], {node.output[0]: guarded})
        claim = Claim("exact", method, finite_only=True, caveats=(_CAVEAT,))
        return Match((node,), (Candidate(replacement, claim),))


def _needed(graph: MutableGraph, guarded: str) -> tuple[str, str]:
    """Why a value may be NaN, or nothing and why it cannot."""
    maker = graph.producer(guarded)
    if maker is not None and maker.op_type == "Softmax" and is_standard(maker):
        scores = masked_scores(graph, maker.input[0], normalised_axes(graph, maker, len(graph.dims(guarded) or ())))
        return (scores if isinstance(scores, str) else ""), _SOFTMAX
    if not _is_computed(graph, guarded):
        return "it looks at what is fed to the network, or at what an unknown operator makes", ""
    return ("NaN can be made on the way" if extent_of(graph, guarded).nan else ""), _FOLLOWED


def _is_computed(graph: MutableGraph, name: str) -> bool:
    """Whether an operator of ONNX that does more than move elements stands between a value and the network's inputs."""
    maker = graph.producer(name)
    while maker is not None and is_standard(maker):
        slots = data_slots(graph, maker)
        if not slots:
            return True
        maker = graph.producer(maker.input[slots[0]])
    return False


def _guarded(graph: MutableGraph, node: Any) -> str | None:
    """The value that a Where hands on unless it is NaN."""
    if node.op_type != "Where" or not is_standard(node):
        return None
    test, guarded = graph.producer(node.input[0]), node.input[2]
    if test is not None and test.op_type == "Not":
        test, guarded = graph.producer(test.input[0]), node.input[1]
    return guarded if test is not None and test.op_type == "IsNaN" and test.input[0] == guarded else None
