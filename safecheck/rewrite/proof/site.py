"""A site of a rewrite, before and after, as models of their own that can be run."""

from __future__ import annotations

import hashlib
from collections import ChainMap
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from safecheck.intake.onnx_library import messages
from safecheck.intake.tensors import byte_size
from safecheck.ir.protos import standalone, value_info
from safecheck.ir.signature import Tensor
from safecheck.ir.walk import entering, holds_graphs
from safecheck.rewrite.files import SIZE_LIMIT
from safecheck.rewrite.graph import MutableGraph, Node
from safecheck.rewrite.replacement import Replacement
from safecheck.text import printable


class UnprovedError(Exception):
    """The claim does not hold, or could not be shown; the text says why."""


def fingerprint(model: Any) -> str:
    """A hash over everything but names: operators, attributes, wiring, types, shapes, weights."""
    names: dict[str, str] = {"": ""}
    copy = messages().ModelProto()
    copy.CopyFrom(model)
    for value in [*copy.graph.input, *copy.graph.initializer]:
        value.name = names.setdefault(value.name, f"v{len(names)}")
    for node in copy.graph.node:
        node.ClearField("name")
        node.ClearField("doc_string")
        if holds_graphs(node):
            return hashlib.sha256(model.SerializeToString(deterministic=True)).hexdigest()
        for position, name in enumerate(node.input):
            node.input[position] = names.setdefault(name, f"v{len(names)}")
        for position, name in enumerate(node.output):
            node.output[position] = names.setdefault(name, f"v{len(names)}")
    for value in copy.graph.output:
        value.name = names.setdefault(value.name, f"v{len(names)}")
    return hashlib.sha256(copy.SerializeToString(deterministic=True)).hexdigest()


def region(graph: MutableGraph, inputs: Iterable[str], outputs: Iterable[str]) -> list[Any]:
    """The NodeProtos between inputs and outputs, in order.

    Raises:
        UnprovedError: an output depends on something that is no input.
    """
    known = set(inputs)
    wanted: set[Node] = set()
    pending = list(outputs)
    while pending:
        name = pending.pop()
        if name in known or name in graph.initializers:
            continue
        node = graph.producer(name)
        if node is None:
            raise UnprovedError(f"{printable(name, 60)} is no input of the site")
        if node not in wanted:
            wanted.add(node)
            pending += node.reads
    return [node.proto for node in graph.in_order(wanted)]


def with_aliases(replacement: Replacement) -> list[Any]:
    """The new NodeProtos, and copies under the names that the results have."""
    node = messages().NodeProto
    ends = [node(op_type="Identity", input=[source], output=[name]) for name, source in replacement.aliases.items()]
    return [*replacement.nodes, *ends]


def model_of(
    graph: MutableGraph,
    feeds: Mapping[str, Tensor],
    nodes: Sequence[Any],
    results: Sequence[str],
    constants: Mapping[str, Any],
) -> Any:
    """Nodes between values that are fed and results, with the constants that they read, as a ModelProto.

    Raises:
        UnprovedError: it would be larger than a message of protobuf.
    """
    read = [name for name in entering(nodes) if name not in feeds]
    stored_bytes = [byte_size(name, graph.initializers[name]) or 0 for name in read if name in graph.initializers]
    if sum(stored_bytes) + sum(constants[name].nbytes for name in read if name in constants) > SIZE_LIMIT:
        raise UnprovedError("its weights together are larger than the 2 GiB that a model holds which can be run")
    new = {name: graph.shelf.stored(name, array) for name, array in constants.items()}
    stored = ChainMap(new, graph.initializers)  # a copy would cost as much as the model has weights
    return standalone(
        nodes,
        [value_info(name, tensor) for name, tensor in feeds.items()],
        [value_info(name, Tensor(graph.tensor(name).dtype, None)) for name in results],
        [stored[name] for name in read if name in stored],
        graph.proto.opset_import,
        graph.proto.ir_version,
    )
