"""A model as an audit sees it: identity, structure, recomputed shapes, and no weights."""

from __future__ import annotations

from typing import Any

from safecheck.errors import InputError
from safecheck.intake.extent import Extents
from safecheck.intake.external import ExternalFile, resolve
from safecheck.intake.memory import ORIGIN, InMemory
from safecheck.intake.onnx_library import messages
from safecheck.intake.source import open_model
from safecheck.intake.tensors import check_tensor, place_of, tensors
from safecheck.intake.unknown import check_known
from safecheck.intake.utf8 import check_text
from safecheck.intake.wire import Stripped, strip
from safecheck.ir.ambiguity import check_model
from safecheck.ir.graph import OpGraph, graph_of
from safecheck.ir.shape_inference.bounded import infer_bounded
from safecheck.ir.signature import MAX_INTEGERS
from safecheck.ir.well_formed import check_graph
from safecheck.text import printable
from safecheck.values import dataclass, field


@dataclass(frozen=True, slots=True)
class Model:
    """One model file."""

    path: str
    """As given by the caller."""
    sha256: str
    size_bytes: int
    external_data: tuple[ExternalFile, ...]
    ir_version: int
    opset_imports: dict[str, int]
    producer: str
    parameters: int
    """Elements of all floating-point initializers of the main graph and of nested graphs."""
    proto: Any
    """ModelProto without large payloads; what is known of its values is in `graph`."""
    graph: OpGraph
    inference_problem: str
    """Why shape inference gave up; empty if it did not."""
    conflicting_outputs: tuple[str, ...]
    """Network outputs that declare another shape than is computed."""
    content: bytes | None = field(default=None, repr=False)
    """The whole model where it came from memory; None where it can be read again from `path`."""


def load(where: str | InMemory) -> Model:
    """Read a model from a path, from standard input for `-`, or from memory.

    Raises:
        InputError: the file cannot be read or its meaning would be a guess; exit code 3.
    """
    memory = where if isinstance(where, InMemory) else None
    path = memory.path if memory else str(where)
    name = "standard input" if where == "-" else printable(path)
    with memory or open_model(path) as source:
        stripped = strip(source.buffer, where=name)
        proto = _parse(stripped.data, name)
        check_model(proto, name)
        found = _checked_tensors(proto, stripped, name)
        origin = ORIGIN if memory else "standard input"
        external = resolve(found, source.folder, stripped.nonce, source.file_id, origin)
        Extents(source.buffer, stripped, MAX_INTEGERS).look(found, name)
        inferred = infer_bounded(proto)
        del proto, found  # where the library was asked, the model with the types is another: one at a time is enough
        graph = graph_of(inferred.proto, inferred.types)
        check_graph(graph, name)
        return Model(
            path=path,
            sha256=source.sha256(),
            size_bytes=source.size_bytes,
            external_data=external,
            ir_version=int(inferred.proto.ir_version),
            opset_imports={entry.domain: int(entry.version) for entry in inferred.proto.opset_import},
            producer=printable(f"{inferred.proto.producer_name} {inferred.proto.producer_version}".strip()),
            parameters=sum(scope.parameters for scope in graph.scopes),
            proto=inferred.proto,
            graph=graph,
            inference_problem=inferred.problem,
            conflicting_outputs=inferred.conflicts,
            content=memory.data if memory else None,
        )


def _parse(data: bytes, where: str) -> Any:
    proto = messages().ModelProto()
    try:
        proto.ParseFromString(data)
    except Exception as error:  # DecodeError; the class lives in a package imported by the messages only
        raise InputError("SC-PB-WIRE", where, "the file is cut off or damaged", "export or copy it again") from error
    check_text(proto, data, where)
    check_known(proto, data, where)
    if not proto.HasField("graph"):
        raise InputError("SC-MODEL-NOTHING", where, "the file holds no graph", "export the model again")
    return proto


def _checked_tensors(proto: Any, stripped: Stripped, where: str) -> list[Any]:
    found = []
    for position, tensor in enumerate(tensors(proto)):
        try:
            check_tensor("", tensor, stripped)
        except InputError as error:
            place = f"{where}: {place_of(proto, position)}"
            raise InputError(error.code, place, error.what, error.todo) from None
        found.append(tensor)
    return found
