"""Operators for which no permitted equivalent is known, and why; asked last, where nobody else has an idea."""

from __future__ import annotations

from typing import Any

from safecheck.ir.walk import is_standard
from safecheck.rewrite.graph import MutableGraph
from safecheck.rewrite.rule import Match

_NORMALISATION = (
    "it divides by the square root of a variance; sums, products, sigmoids and fixed convolutions give neither "
    "quotients nor roots of data. Newton's iteration converges only on a range of variances that nobody can promise. "
    "In the architecture, BatchNormalization with constant parameters is the way out"
)
_EXPONENTIAL = (
    "it divides exponentials of data by their sum, and no permitted layer divides data. In the architecture, a sigmoid "
    "gate as in Convolutional Self-Attention is the way out"
)
_CHOICE = "which elements it takes depends on data, so there is no fixed movement to write; select on the host"
_RECURRENT = "it carries a state through a number of rounds that is not fixed; write the rounds out before the export"
_CURVE = (
    "it follows an exponential or a logarithm of data on one side; no sum or product of sigmoids equals it for all "
    "values. In the architecture, SiLU (a product with a sigmoid) is the way out"
)
_JUMP = "it jumps, and no permitted layer does"
_TRUTH = "truth values are a type of their own that no permitted layer makes or reads; select by a product with a gate"
_READS = "where it reads depends on data, so there is no fixed movement to write"
_INDEXED = ("Gather", "GatherElements", "GatherND", "ScatterElements", "ScatterND")

_REASONS = {
    "And": _TRUTH,
    "ArgMax": _CHOICE,
    "ArgMin": _CHOICE,
    "Cast": "a change of type is a layer of its own; export in one type, or convert outside of the network",
    "Ceil": _JUMP,
    "Celu": _CURVE,
    "DeformConv": _READS,
    "Elu": _CURVE,
    "Equal": _TRUTH,
    "Exp": "sigmoids grow like exponentials on one side only; there is no expression that holds for all values",
    "Floor": _JUMP,
    "Greater": _TRUTH,
    "GreaterOrEqual": _TRUTH,
    "GroupNormalization": _NORMALISATION,
    "GRU": _RECURRENT,
    "If": "which branch runs depends on data; choose the branch before the export",
    "InstanceNormalization": _NORMALISATION,
    "IsInf": _TRUTH,
    "IsNaN": _TRUTH,
    "LayerNormalization": _NORMALISATION,
    "Less": _TRUTH,
    "LessOrEqual": _TRUTH,
    "Log": "there is no expression in permitted layers that holds for all positive values",
    "LogSoftmax": _EXPONENTIAL,
    "Loop": _RECURRENT,
    "LRN": "it divides by a power of data; use BatchNormalization with constant parameters in the architecture",
    "LSTM": _RECURRENT,
    "MaxRoiAlign": _READS,
    "Mish": _CURVE,
    "Mod": _JUMP,
    "NonMaxSuppression": _CHOICE,
    "NonZero": _CHOICE,
    "Not": _TRUTH,
    "Or": _TRUTH,
    "Reciprocal": "no permitted layer divides data",
    "RMSNormalization": _NORMALISATION,
    "RNN": _RECURRENT,
    "RoiAlign": _READS,
    "Round": _JUMP,
    "Scan": _RECURRENT,
    "Selu": _CURVE,
    "Sign": _JUMP,
    "Softplus": _CURVE,
    "Softsign": "no permitted layer divides data",
    "Sqrt": "no permitted layer takes roots of data, and an iteration converges on a bounded range only",
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
        if node.op_type == "Div" and graph.constant(node.input[1]) is None:
            return Match((node,), reason="no permitted layer divides data")
        if node.op_type in _INDEXED and graph.constant(node.input[1]) is None:
            return Match((node,), reason=_READS)
        reason = _REASONS.get(node.op_type) if is_standard(node) else None
        return None if reason is None else Match((node,), reason=reason)
