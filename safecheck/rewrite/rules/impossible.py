"""Operators for which no permitted equivalent is known, and why; asked last, where nobody else has an idea."""

from __future__ import annotations

from typing import Any

from safecheck.rewrite.graph import MutableGraph
from safecheck.rewrite.node import stretches_by_attribute
from safecheck.rewrite.rule import Match
from safecheck.text import printable

_CHOICE = "which elements it takes depends on data, so there is no fixed movement to write; select on the host"
_RECURRENT = "it carries a state through a number of rounds that is not fixed; write the rounds out before the export"
_JUMP = "it jumps, and no permitted layer does"
_TRUTH = "truth values are a type of their own that no permitted layer makes or reads; select by a product with a gate"
_READS = "where it reads depends on data, so there is no fixed movement to write"
_ROUNDS = "it rounds to whole numbers, which no permitted layer does; give `fix` the network before it was quantised"
_OLD = (
    "before operator set 7 an attribute says how operands stretch, which onnxruntime does not run, so nothing could be "
    "proved; export with a later operator set"
)
_INDEXED = ("Gather", "GatherElements", "GatherND", "GridSample", "ScatterElements", "ScatterND")

_REASONS = {
    "And": _TRUTH,
    "ArgMax": _CHOICE,
    "ArgMin": _CHOICE,
    "Cast": "a change of type is a layer of its own; export in one type, or convert outside of the network",
    "Ceil": _JUMP,
    "ConvInteger": _ROUNDS,
    "DeformConv": _READS,
    "DequantizeLinear": "8-bit numbers are a type of their own; give `fix` the network before it was quantised",
    "DynamicQuantizeLinear": _ROUNDS,
    "Equal": _TRUTH,
    "Floor": _JUMP,
    "Greater": _TRUTH,
    "GreaterOrEqual": _TRUTH,
    "If": "which branch runs depends on data; choose the branch before the export",
    "IsInf": _TRUTH,
    "IsNaN": _TRUTH,
    "Less": _TRUTH,
    "LessOrEqual": _TRUTH,
    "Loop": _RECURRENT,
    "MaxRoiAlign": _READS,
    "MatMulInteger": _ROUNDS,
    "Mod": _JUMP,
    "NonMaxSuppression": _CHOICE,
    "NonZero": _CHOICE,
    "Not": _TRUTH,
    "Or": _TRUTH,
    "QLinearConv": _ROUNDS,
    "QLinearMatMul": _ROUNDS,
    "QuantizeLinear": _ROUNDS,
    "RoiAlign": _READS,
    "Round": _JUMP,
    "Scan": _RECURRENT,
    "Sign": _JUMP,
    "ThresholdedRelu": _JUMP,
    "TopK": _CHOICE,
    "Xor": _TRUTH,
}


class NoPermittedEquivalent:
    """A reason for what is left."""

    name = "no-permitted-equivalent"
    remedies: tuple[str, ...] = ()

    def match(self, graph: MutableGraph, node: Any) -> Match | None:
        """The reason for an operator, if it is known."""
        if stretches_by_attribute(node.proto.op_type, graph.opset):
            return Match((node,), reason=_OLD)
        if node.op_type in _INDEXED and graph.constant(node.input[1]) is None:
            return Match((node,), reason=_READS)
        reason = _REASONS.get(node.op_type)
        if node.op_type in ("QuantizeLinear", "DequantizeLinear") and reason is not None:
            reason += _asymmetric(graph, node)
        if reason == _CHOICE and graph.producer(node.input[0]) is not None:
            reason += f": --outputs {printable(node.input[0], 60)} ends the network before it"
        return None if reason is None else Match((node,), reason=reason)


def _asymmetric(graph: MutableGraph, node: Any) -> str:
    """What stands in the way where quantised types are permitted."""
    dtype = graph.tensor(node.output[0] if node.op_type == "QuantizeLinear" else node.input[0]).dtype
    zero = graph.constant(node.input[2]) if len(node.input) > 2 and node.input[2] else None
    here = ["it is UINT8"] if dtype == "UINT8" else []
    here += ["its zero point is another"] if zero is not None and zero.any() else []
    return f"; where quantised types are permitted, use INT8 around zero: {' and '.join(here)}" if here else ""
