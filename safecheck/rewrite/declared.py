"""What a file declares beside its nodes, kept true as they change: inputs with defaults, inner types, annotations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from safecheck.ir import schemas
from safecheck.ir.protos import value_info
from safecheck.ir.signature import UNKNOWN, Tensor
from safecheck.ir.walk import domain_of

_IR_VERSION = 4
"""The first one in which an initializer needs no input of its name."""


class Declared:
    """The declarations of a ModelProto. They are taken out of it, but for what has to be believed."""

    def __init__(self, proto: Any) -> None:
        self.defaults = drop_defaults(proto)
        """Network inputs with defaults, which are constants from here on."""
        self.assumed = _assumed(proto)
        """Values behind unknown operators, whose types are those that the file declares."""
        values = list(proto.graph.value_info)
        self._names = [value.name for value in values if value.name not in self.assumed]
        del proto.graph.value_info[:]
        proto.graph.value_info.extend(value for value in values if value.name in self.assumed)

    def write(self, graph: Any, tensors: Mapping[str, Tensor]) -> None:
        """Declare in a GraphProto what was declared before and is still made, as it is now."""
        made = {name for node in graph.node for name in node.output}
        for name in self._names:
            if name in made and name in tensors and tensors[name].dims is not UNKNOWN:
                graph.value_info.append(value_info(name, tensors[name]))
        _prune_annotations(graph, made)


def drop_defaults(proto: Any) -> tuple[str, ...]:
    """Make initializers constants where they are network inputs too; returns the inputs that could be fed before.

    Below IR version 4 every initializer has such an input, which is a formality: nobody may feed it. From 4 on it is a
    default. Every importer of TensorRT takes it for a constant, and so do the rewrites. An input that stayed would be
    one that nobody reads; without it, whoever feeds it is told.
    """
    stored = {tensor.name for tensor in proto.graph.initializer}
    defaults = [value for value in proto.graph.input if value.name in stored]
    for value in defaults:
        proto.graph.input.remove(value)
    feedable = proto.ir_version >= _IR_VERSION
    proto.ir_version = max(proto.ir_version, _IR_VERSION)
    return tuple(value.name for value in defaults) if feedable else ()


def _assumed(proto: Any) -> tuple[str, ...]:
    """Values with declared types that are made by operators that ONNX does not define."""
    versions = {domain_of(entry): int(entry.version) for entry in proto.opset_import}
    made = {
        name
        for node in proto.graph.node
        if not schemas.known(node.op_type, domain_of(node), versions.get(domain_of(node), 1))
        for name in node.output
    }
    return tuple(value.name for value in proto.graph.value_info if value.name in made)


def _prune_annotations(graph: Any, made: set[str]) -> None:
    """Take out the quantisation annotations that speak of values or constants that are gone."""
    if not graph.quantization_annotation:
        return
    names = made | {value.name for value in graph.input} | {tensor.name for tensor in graph.initializer}
    kept = [
        entry
        for entry in graph.quantization_annotation
        if entry.tensor_name in names and all(read.value in names for read in entry.quant_parameter_tensor_names)
    ]
    del graph.quantization_annotation[:]
    graph.quantization_annotation.extend(kept)
