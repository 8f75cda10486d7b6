"""Where a network begins and ends, as the user asks for it: at other values, or with four dimensions."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

from safecheck.errors import UsageError
from safecheck.intake.onnx_library import messages
from safecheck.ir.graph import graph_of
from safecheck.ir.protos import proto_from_array, tensor_from_value_info, value_info
from safecheck.ir.shape_inference.infer import infer
from safecheck.ir.signature import Tensor
from safecheck.ir.walk import holds_graphs, reads
from safecheck.rewrite.canonicalize.control import renamed
from safecheck.strict.yaml import suggest
from safecheck.text import printable

_RANK = 4
_IR_WITH_CONSTANTS = 4
"""From this version on an initializer need not be a network input as well."""


def cut(proto: Any, names: Sequence[str]) -> list[Any]:
    """Let the network end at some values; returns the nodes that nobody needs any more, in order.

    Weights and network inputs that only they read are gone too.

    Raises:
        UsageError: a name is that of no value that a node of the main graph makes, or is given twice.
    """
    graph = proto.graph
    made = {name: node for node in graph.node for name in node.output if name}
    for position, name in enumerate(names):
        if name not in made or name in names[:position]:
            what = f"no node makes a value '{printable(name, 60)}'{suggest(name, made)}"
            twice = f"'{printable(name, 60)}' is given twice"
            raise UsageError("SC-CFG-OUTPUTS", "--outputs", what if name not in made else twice, "name values of MODEL")
    known = {value.name: value for value in graph.output}
    tensors = graph_of(infer(proto).proto).scopes[0].tensors
    outputs = [
        known[name] if name in known else value_info(name, tensors.get(name, Tensor(None, None))) for name in names
    ]
    needed: set[int] = set()
    pending = list(names)
    while pending:
        node = made.get(pending.pop())
        if node is not None and id(node) not in needed:
            needed.add(id(node))
            pending += reads(node)
    kept = [node for node in graph.node if id(node) in needed]
    gone = [node for node in graph.node if id(node) not in needed]
    lost = {name for node in gone for name in reads(node)} - {name for node in kept for name in reads(node)}
    _keep(graph.output, outputs)
    _keep(graph.node, kept)
    _keep(graph.initializer, [tensor for tensor in graph.initializer if tensor.name not in lost])
    _keep(graph.input, [value for value in graph.input if value.name not in lost])
    _keep(graph.value_info, [value for value in graph.value_info if value.name not in names])
    return gone


def _keep(field: Any, kept: Sequence[Any]) -> None:
    """Leave these messages in a repeated field."""
    copies = []
    for message in kept:
        copies.append(type(message)())
        copies[-1].CopyFrom(message)
    del field[:]
    field.extend(copies)


def widen(proto: Any) -> list[str]:
    """Give every network input and output of fixed shape four dimensions; returns the names of those that had others.

    The elements and their order stay: what is fed and fetched are the same bytes. Shapes of fewer dimensions get ones
    in front; of more, those in front are joined. What a declaration says of the result of an If or Loop alone is not
    believed: the checker of ONNX does not look there.
    """
    graph = proto.graph
    made = _made_shapes(proto)
    stored = {tensor.name for tensor in graph.initializer}
    through = {value.name for value in graph.input} & {value.name for value in graph.output}
    taken = stored | {name for node in graph.node for name in (*node.input, *node.output)}
    changed = []
    before: list[Any] = []
    behind: list[Any] = []
    for value in (*(value for value in graph.input if value.name not in stored), *graph.output):
        dims = made.get(value.name, tensor_from_value_info(value).dims)
        if not isinstance(dims, tuple) or len(dims) == _RANK or value.name in through:
            continue
        inner = _fresh(f"{value.name}/inner", taken)
        wide = (1,) * (_RANK - len(dims)) + dims if len(dims) < _RANK else (prod(dims[:-3]), *dims[-3:])
        entering = any(value is one for one in graph.input)
        shape = _fresh(f"{inner}/shape", taken)
        for node in graph.node:
            renamed(node, {value.name: inner})
        ends = (value.name, inner) if entering else (inner, value.name)
        view = messages().NodeProto(op_type="Reshape", input=[ends[0], shape], output=[ends[1]], name=f"{inner}/view")
        (before if entering else behind).append(view)
        graph.initializer.append(_shape(shape, dims if entering else wide))
        tensor = tensor_from_value_info(value)
        value.CopyFrom(value_info(value.name, Tensor(tensor.dtype, wide)))
        changed.append(str(value.name))
    _keep(graph.node, [*before, *graph.node, *behind])
    if changed:
        proto.ir_version = max(proto.ir_version, _IR_WITH_CONSTANTS)
    return changed


def _made_shapes(proto: Any) -> dict[str, Any]:
    """Dimensions of the network outputs as the nodes make them, where that is known or only a branch could tell."""
    declared = messages().GraphProto(output=proto.graph.output)
    for value in proto.graph.output:
        if value.type.HasField("tensor_type"):
            value.type.tensor_type.ClearField("shape")
    tensors = graph_of(infer(proto).proto).scopes[0].tensors
    _keep(proto.graph.output, declared.output)
    hidden = {name for node in proto.graph.node if holds_graphs(node) for name in node.output}
    found = {value.name: tensors.get(value.name, Tensor(None, None)).dims for value in proto.graph.output}
    return {name: dims for name, dims in found.items() if isinstance(dims, tuple) or name in hidden}


def _fresh(hint: str, taken: set[str]) -> str:
    number = next(number for number in range(1, len(taken) + 2) if f"{hint}_{number}" not in taken)
    taken.add(f"{hint}_{number}")
    return f"{hint}_{number}"


def _shape(name: str, dims: Sequence[int]) -> Any:
    import numpy

    return proto_from_array(name, numpy.array(dims, numpy.int64))
