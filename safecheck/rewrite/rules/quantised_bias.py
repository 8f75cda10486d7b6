"""A bias that a quantiser has stored as whole numbers is stored as the numbers that they stand for."""

from __future__ import annotations

from typing import Any

from safecheck.ir.protos import numpy_type
from safecheck.ir.walk import is_standard
from safecheck.rewrite.attributes import integer
from safecheck.rewrite.builder import Builder
from safecheck.rewrite.graph import MutableGraph
from safecheck.rewrite.rule import Candidate, Claim, Match

_CLAIM = Claim(
    "exact", "the product of the stored number and its scale, computed once; quantised types stay as they are"
)


class StoreBiasAsFloat:
    """DequantizeLinear of an INT32 constant: TensorRT adds biases in floating point and dequantises INT8 and FP8."""

    name = "store-bias-as-float"
    remedies: tuple[str, ...] = ()

    def match(self, graph: MutableGraph, node: Any) -> Match | None:
        """Offer the products as a constant."""
        if node.op_type != "DequantizeLinear" or not is_standard(node) or integer(node, "block_size", 0):
            return None
        given = [graph.constant(name) for name in node.input if name]
        stored, scale = given[0], given[1]
        if stored is None or graph.tensor(node.input[0]).dtype != "INT32":
            return None
        if any(array is None for array in given) or scale is None or graph.is_output(node.output[0]):
            return Match((node,), reason="the scale is computed, or the network hands the result out")
        kind = numpy_type(graph.tensor(node.output[0]).dtype or "FLOAT")
        axis = integer(node, "axis", 1) % max(stored.ndim, 1)
        shape = tuple(-1 if at == axis and scale.size > 1 else 1 for at in range(stored.ndim))
        zero = given[2].reshape(shape) if len(given) > 2 and given[2] is not None else 0
        builder = Builder(graph, node.output[0])
        value = builder.constant(((stored - zero).astype(kind) * scale.reshape(shape)).astype(kind))
        return Match(
            (node,), (Candidate(builder.replacement((), {node.output[0]: value}), _CLAIM),), after="a constant"
        )
