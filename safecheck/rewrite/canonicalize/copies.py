"""Take out nodes that hand their input through."""

from __future__ import annotations

from typing import Any

from safecheck.intake.dtypes import dtype_number
from safecheck.ir.walk import is_standard
from safecheck.rewrite.attributes import attribute, integer
from safecheck.rewrite.graph import Bench


def remove_copies(bench: Bench) -> list[Any]:
    """Remove Identity, Dropout at inference, and Cast to the type that is there; returns the nodes that are gone.

    A copy between a network input and a network output stays: both names are part of the interface.
    """
    gone = []
    for node in list(bench.nodes):
        if not _is_copy(bench, node):
            continue
        source, name = node.input[0], node.output[0]
        if bench.is_interface(name, source):
            continue
        bench.splice(node)
        bench.alias(name, source)
        gone.append(node)
    return gone


def _is_copy(bench: Bench, node: Any) -> bool:
    if not is_standard(node) or not node.input:
        return False
    if node.op_type == "Identity":
        return True
    if node.op_type == "Cast":
        to, known = integer(node, "to", 0), bench.tensor(node.input[0]).dtype
        return known is not None and to == dtype_number(known)
    if node.op_type == "Dropout":
        mask_read = len(node.output) > 1 and bool(bench.consumers(node.output[1]) or bench.is_output(node.output[1]))
        return not mask_read and not _trains(bench, node)
    return False


def _trains(bench: Bench, node: Any) -> bool:
    if bench.opset < 7:
        found = attribute(node, "is_test")
        return found is None or not found.i
    if len(node.input) < 3 or not node.input[2]:
        return False
    flag = bench.constant(node.input[2])
    return flag is None or bool(flag.any())
