"""Take out nodes that hand their input through."""

from __future__ import annotations

from typing import Any

from safecheck.intake.dtypes import dtype_number
from safecheck.ir.walk import is_standard
from safecheck.rewrite.attributes import attribute, integer
from safecheck.rewrite.graph import MutableGraph


def remove_copies(graph: MutableGraph) -> list[Any]:
    """Remove Identity, Dropout at inference, and Cast to the type that is there; returns the nodes that are gone.

    A copy between a network input and a network output stays: both names are part of the interface.
    """
    gone = []
    for node in list(graph.nodes):
        if not _is_copy(graph, node):
            continue
        source, name = node.input[0], node.output[0]
        if graph.is_interface(name, source):
            continue
        graph.splice(node)
        graph.alias(name, source)
        gone.append(node)
    return gone


def _is_copy(graph: MutableGraph, node: Any) -> bool:
    if not is_standard(node) or not node.input:
        return False
    if node.op_type == "Identity":
        return True
    if node.op_type == "Cast":
        to, known = integer(node, "to", 0), graph.tensor(node.input[0]).dtype
        return known is not None and to == dtype_number(known)
    if node.op_type == "Dropout":
        mask_read = len(node.output) > 1 and bool(graph.consumers(node.output[1]) or graph.is_output(node.output[1]))
        return not mask_read and not _trains(graph, node)
    return False


def _trains(graph: MutableGraph, node: Any) -> bool:
    if graph.opset < 7:
        found = attribute(node, "is_test")
        return found is None or not found.i
    if len(node.input) < 3 or not node.input[2]:
        return False
    flag = graph.constant(node.input[2])
    return flag is None or bool(flag.any())
