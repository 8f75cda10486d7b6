"""What has to hold before an operator is carried out on four dimensions."""

from __future__ import annotations

from typing import Any

from safecheck.rewrite.algebra.lift import RANK
from safecheck.rewrite.attributes import axes_of, integer, text
from safecheck.rewrite.graph import MutableGraph


def constant_operands(graph: MutableGraph, node: Any) -> bool:
    """Whether all operands but the first are constants."""
    return all(graph.constant(name) is not None for name in node.input[1:] if name)


def reduces(graph: MutableGraph, node: Any) -> bool:
    """Whether there is an axis to reduce over."""
    return bool(axes_of(graph, node, len(graph.dims(node.input[0]) or ())))


def multiplies(graph: MutableGraph, node: Any) -> bool:
    """Whether both factors are at least matrices."""
    return all(len(graph.dims(name) or ()) > 1 for name in node.input)


def plain_gemm(graph: MutableGraph, node: Any) -> bool:
    """Whether neither product nor addend is scaled."""
    return all(part.f == 1 for part in node.attribute if part.name in ("alpha", "beta"))


def gathers(graph: MutableGraph, node: Any) -> bool:
    """Whether constant indices choose from data that are no scalar."""
    indices = graph.constant(node.input[1])
    return indices is not None and bool(graph.dims(node.input[0]))


def resizes(graph: MutableGraph, node: Any) -> bool:
    """Whether sizes or scales are constant, and nothing is cropped."""
    cropped = text(node, "coordinate_transformation_mode", "half_pixel") == "tf_crop_and_resize"
    return graph.opset >= 11 and not cropped and has_constant_operands(graph, node)


def pads(graph: MutableGraph, node: Any) -> bool:
    """Whether constant pads are for all axes."""
    return len(node.input) in (2, 3) and constant_operands(graph, node)


def has_axes(graph: MutableGraph, node: Any) -> bool:
    """Whether the data are no scalar."""
    return bool(graph.dims(node.input[0]))


def keeps_axis(graph: MutableGraph, node: Any) -> bool:
    """Whether the axis is not among the leading ones that are dropped."""
    rank = len(graph.dims(node.input[0]) or ())
    default = 1 if node.op_type == "Softmax" and graph.opset < 13 else -1
    return rank > 0 and integer(node, "axis", default) % rank >= rank - RANK


def has_constant_operands(graph: MutableGraph, node: Any) -> bool:
    """Whether the data are no scalar, and all other operands constants."""
    return has_axes(graph, node) and constant_operands(graph, node)
