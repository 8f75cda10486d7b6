"""Where a network begins and ends, as the user asks for it: at other values, or with four dimensions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

from safecheck.errors import UsageError
from safecheck.intake.onnx_library import messages
from safecheck.ir.graph import graph_of
from safecheck.ir.protos import proto_from_array, tensor_from_value_info, value_info, without_payload
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
    tensors = _types(proto)
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
    in front; of more, those in front are joined. Outputs have the shape that follows from the inputs: exporters leave
    names for sizes that are fixed. What a declaration says of the result of an If or Loop alone is not believed: the
    checker of ONNX does not look there.
    """
    graph = proto.graph
    inferred = _types(proto, declared=False)
    hidden = {name for node in graph.node if holds_graphs(node) for name in node.output}
    stored = {tensor.name for tensor in graph.initializer}
    through = {value.name for value in graph.input} & {value.name for value in graph.output}
    taken = stored | {name for node in graph.node for name in (*node.input, *node.output)}
    changed = []
    before: list[Any] = []
    behind: list[Any] = []
    for value in (*(value for value in graph.input if value.name not in stored), *graph.output):
        tensor = tensor_from_value_info(value)
        entering = any(value is one for one in graph.input)
        dims = tensor.dims if entering else inferred.get(value.name, Tensor(None, None)).dims
        if not entering and not isinstance(dims, tuple) and value.name not in hidden:
            dims = tensor.dims
        if not isinstance(dims, tuple) or len(dims) == _RANK or value.name in through:
            continue
        inner = _fresh(f"{value.name}/inner", taken)
        wide = (1,) * (_RANK - len(dims)) + dims if len(dims) < _RANK else (prod(dims[:-3]), *dims[-3:])
        shape = _fresh(f"{inner}/shape", taken)
        for node in graph.node:
            renamed(node, {value.name: inner})
        ends = (value.name, inner) if entering else (inner, value.name)
        view = messages().NodeProto(op_type="Reshape", input=[ends[0], shape], output=[ends[1]], name=f"{inner}/view")
        (before if entering else behind).append(view)
        graph.initializer.append(_shape(shape, dims if entering else wide))
        value.CopyFrom(value_info(value.name, Tensor(tensor.dtype, wide)))
        changed.append(str(value.name))
    _keep(graph.node, [*before, *graph.node, *behind])
    if changed:
        proto.ir_version = max(proto.ir_version, _IR_WITH_CONSTANTS)
    return changed


def _types(proto: Any, declared: bool = True) -> Mapping[str, Tensor]:
    """What inference makes of the values of the main graph, in a copy; also without the declared sizes of outputs."""
    graph = proto.graph
    light = messages().GraphProto(
        name=graph.name, node=graph.node, input=graph.input, output=graph.output, value_info=graph.value_info,
        initializer=[without_payload(tensor) for tensor in graph.initializer],
        sparse_initializer=graph.sparse_initializer,
    )  # fmt: skip
    for value in () if declared else light.output:
        if value.type.HasField("tensor_type"):
            value.type.tensor_type.ClearField("shape")
    copy = messages().ModelProto(
        ir_version=proto.ir_version, opset_import=proto.opset_import, functions=proto.functions, graph=light
    )
    return graph_of(infer(copy).proto).scopes[0].tensors


def _fresh(hint: str, taken: set[str]) -> str:
    number = next(number for number in range(1, len(taken) + 2) if f"{hint}_{number}" not in taken)
    taken.add(f"{hint}_{number}")
    return f"{hint}_{number}"


def _shape(name: str, dims: Sequence[int]) -> Any:
    import numpy

    return proto_from_array(name, numpy.array(dims, numpy.int64))
