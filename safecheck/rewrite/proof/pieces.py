"""Run a model with onnxruntime's optimisations on, a large one piece by piece.

onnxruntime compares every name that it makes up for a node with the names of all nodes: with 30,000 nodes that takes
most of a minute, with twice as many four times as long. The time of pieces grows with their number.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from itertools import pairwise
from mmap import ACCESS_READ, mmap
from typing import Any

from safecheck.errors import InputError
from safecheck.intake.onnx_library import messages
from safecheck.intake.wire import strip
from safecheck.ir.protos import standalone, type_of_array, value_info
from safecheck.ir.signature import UNKNOWN_TENSOR
from safecheck.ir.walk import entering, reads
from safecheck.rewrite.proof.runtime import RunError, Session

LARGEST_PIECE = 4000
"""Nodes that are optimised together; networks of several hundred layers have fewer."""


class _WholeError(Exception):
    """A model that cannot be cut."""


def run_optimised(model: bytes | str, feed: Mapping[str, Any]) -> list[Any]:
    """What a model, its content or the path of its file, makes of its inputs, every piece optimised in full.

    What passes between pieces is the same as in the whole. A model that cannot be cut is run as one piece.

    Raises:
        RunError: onnxruntime cannot load or run it.
    """
    try:
        return _run_pieces(model, feed)
    except (_WholeError, InputError, RunError):
        return Session(model, optimised=True).run(feed)


def _run_pieces(model: bytes | str, feed: Mapping[str, Any]) -> list[Any]:
    proto = _large(model)
    outputs = [value.name for value in proto.graph.output]
    stored = {tensor.name: tensor for tensor in proto.graph.initializer}
    constants = {node.output[0]: node for node in proto.graph.node if node.op_type == "Constant"}
    nodes = [node for node in proto.graph.node if node.op_type != "Constant"]
    count = -(-len(nodes) // LARGEST_PIECE)
    cuts = [number * len(nodes) // count for number in range(count + 1)]
    pieces = [nodes[start:end] for start, end in pairwise(cuts)]
    last = {name: number for number, nodes in enumerate(pieces) for node in nodes for name in reads(node)}
    last.update(dict.fromkeys(outputs, len(pieces)))
    folder = None if isinstance(model, bytes) else os.path.dirname(os.path.abspath(model))
    values = dict(feed)
    for number, nodes in enumerate(pieces):
        read = entering(nodes)
        results = [name for node in nodes for name in node.output if last.get(name, -1) > number]
        given = {name: _value(values, name) for name in read if name not in stored and name not in constants}
        part = standalone(
            [*(constants[name] for name in read if name in constants), *nodes],
            [value_info(name, type_of_array(array)) for name, array in given.items()],
            [value_info(name, UNKNOWN_TENSOR) for name in results],
            [stored[name] for name in read if name in stored],
            proto.opset_import,
            proto.ir_version,
        )
        part.functions.extend(proto.functions)
        if results:
            values.update(zip(results, Session(part.SerializeToString(), True, folder).run(given), strict=True))
        values = {name: value for name, value in values.items() if last.get(name, -1) > number}
    return [_value(values, name) for name in outputs]


def _large(model: bytes | str) -> Any:
    """The ModelProto of a model of many nodes, its external data left outside.

    Raises:
        _WholeError: it has few, or something that is not carried from piece to piece.
    """
    if isinstance(model, bytes):
        return _parsed(model)
    with open(model, "rb") as file, mmap(file.fileno(), 0, access=ACCESS_READ) as mapped, memoryview(mapped) as content:
        return _parsed(content)


def _parsed(content: bytes | memoryview) -> Any:
    parse = messages().ModelProto.FromString
    graph = parse(strip(content).data).graph  # without the weights, which a small model is not read for
    if len(graph.node) <= LARGEST_PIECE or graph.sparse_initializer:
        raise _WholeError
    return parse(content)


def _value(values: Mapping[str, Any], name: str) -> Any:
    """An array between two pieces.

    Raises:
        _WholeError: it is a sequence or an absent optional value, or nobody has made it yet.
    """
    import numpy

    value = values.get(name)
    if not isinstance(value, numpy.ndarray):
        raise _WholeError
    return value
