"""Why ONNX's inference says nothing about what one node computes, in the library's own words."""

from __future__ import annotations

import re

from safecheck.intake.onnx_library import messages
from safecheck.ir.protos import proto_from_tensor, standalone, value_info, writable
from safecheck.ir.shape_inference.bounded import objection
from safecheck.ir.signatures import Occurrence
from safecheck.ir.walk import holds_graphs, is_standard
from safecheck.text import printable

_LAST_PART = re.compile(r"\[(?:Shape|Type)InferenceError\]\s*([^\[]+)\Z", re.S)


def complaint(occurrence: Occurrence) -> str:
    """What the library objects to about a node with these operands, in one line; empty if to nothing.

    Inference of a whole model keeps such objections to itself and leaves the value open.
    """
    node = occurrence.node.proto
    if holds_graphs(node) or not is_standard(node):
        return ""
    inputs, initializers = [], []
    for name, tensor in zip(node.input, occurrence.operands, strict=True):
        if not name or tensor is None or tensor.dtype is None:
            continue
        if tensor.constant and writable(tensor):
            initializers.append(proto_from_tensor(name, tensor))
        else:
            inputs.append(value_info(name, tensor))
    outputs = [messages().ValueInfoProto(name=name) for name in node.output if name]
    opset = messages().OperatorSetIdProto(version=occurrence.signature.opset)
    model = standalone([node], inputs, outputs, initializers, [opset], 10)
    return _tidy(objection(model))


def _tidy(words: str) -> str:
    found = _LAST_PART.search(words.strip())
    return printable(" ".join((found[1] if found else words).split()), 200).rstrip(".")
