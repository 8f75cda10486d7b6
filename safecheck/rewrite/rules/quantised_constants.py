"""Constants that a quantiser has stored: as the numbers that they stand for, or as whole numbers that parsers take."""

from __future__ import annotations

from typing import Any

from safecheck.rewrite.algebra.quantised import EIGHT_BITS, Stored, stored
from safecheck.rewrite.builder import Builder
from safecheck.rewrite.graph import MutableGraph
from safecheck.rewrite.rule import Candidate, Claim, Match

_PRODUCTS = "the product of the stored number and its scale, computed once"
_SHIFTED = "the same products: the zero point is taken off the stored numbers, which still have 8 bits then"


class StoreBiasAsFloat:
    """DequantizeLinear of an INT32 constant: TensorRT adds biases in floating point and dequantises INT8 and FP8."""

    name = "store-bias-as-float"
    remedies: tuple[str, ...] = ()

    def match(self, graph: MutableGraph, node: Any) -> Match | None:
        """Offer the products as a constant."""
        return _as_float(graph, node, ("INT32",))


class StoreWeightsAsSigned:
    """DequantizeLinear of UINT8 weights, or of ones with a zero point, which parsers refuse, as INT8 around zero."""

    name = "store-weights-as-signed"
    remedies: tuple[str, ...] = ()

    def match(self, graph: MutableGraph, node: Any) -> Match | None:
        """Offer the same numbers without a zero point where 8 bits hold them."""
        held = _held(graph, node, EIGHT_BITS)
        if held is None:
            return None
        import numpy

        if int(held.numbers.min(initial=0)) < -128 or int(held.numbers.max(initial=0)) > 127:
            return Match((node,), reason="less their zero point the numbers have more than 8 bits")
        builder = Builder(graph, node.output[0])
        single = held.scale.size == 1
        numbers, scale = held.numbers.astype(numpy.int8), held.scale.reshape(()) if single else held.scale
        given = [builder.constant(part) for part in (numbers, scale, numpy.zeros(scale.shape, numpy.int8))]
        value = builder.add("DequantizeLinear", given, axis=None if single else held.axis)
        new = builder.replacement((), {node.output[0]: value})
        return Match((node,), (Candidate(new, Claim("exact", _SHIFTED)),))


class StoreWeightsAsFloat:
    """DequantizeLinear of a constant of 8 bits where no quantised types are permitted."""

    name = "store-weights-as-float"
    remedies: tuple[str, ...] = ()

    def match(self, graph: MutableGraph, node: Any) -> Match | None:
        """Offer the products as a constant."""
        return _as_float(graph, node, EIGHT_BITS)


def _held(graph: MutableGraph, node: Any, types: tuple[str, ...]) -> Stored | None:
    of_these = node.op_type == "DequantizeLinear" and graph.tensor(node.input[0]).dtype in types
    return stored(graph, node.output[0]) if of_these else None


def _as_float(graph: MutableGraph, node: Any, types: tuple[str, ...]) -> Match | None:
    held = _held(graph, node, types)
    if held is None:
        return None
    if graph.is_output(node.output[0]):
        return Match((node,), reason="the network hands the result out")
    builder = Builder(graph, node.output[0])
    new = builder.replacement((), {node.output[0]: builder.constant(held.values)})
    return Match((node,), (Candidate(new, Claim("exact", _PRODUCTS)),), after="a constant")
