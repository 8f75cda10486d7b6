"""Types and shapes of all values, recomputed by ONNX's own shape inference.

What a file declares about its inner values is not trusted: declarations are dropped first, so a file cannot hide a
large dimension behind a small one. The copy that is inferred holds no weight payloads.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from safecheck.constants import dtype_name
from safecheck.form import Tensor
from safecheck.onnx_library import library, messages


@dataclass(frozen=True, slots=True)
class Inferred:
    """A model whose value types are those that ONNX infers."""

    proto: Any
    """ModelProto: the same nodes as the model, `value_info` recomputed."""
    problem: str
    """Why inference gave up, in the library's words; empty if it went through."""
    conflicts: tuple[str, ...]
    """Network outputs that declare another type or shape than is computed."""


def infer(model: Any) -> Inferred:
    """Recompute all shapes. A model that cannot be inferred keeps its nodes and loses its declared shapes."""
    bare = messages().ModelProto()
    bare.CopyFrom(model)
    for graph in graphs(bare.graph):
        del graph.value_info[:]
    for output in bare.graph.output:
        output.ClearField("type")
    try:
        raw = library().shape_inference.infer_shapes(bare.SerializeToString(), False, False, True)
    except Exception as error:  # the C++ library raises its own InferenceError and bare RuntimeError
        return Inferred(bare, str(error), ())
    bare.Clear()
    bare.ParseFromString(raw)
    conflicts = tuple(
        declared.name
        for declared, computed in zip(model.graph.output, bare.graph.output, strict=True)
        if _contradict(tensor_of(declared), tensor_of(computed))
    )
    return Inferred(bare, "", conflicts)


def graphs(graph: Any) -> Iterator[Any]:
    """A graph and every graph nested in it."""
    stack = [graph]
    while stack:
        current = stack.pop()
        yield current
        for node in current.node:
            for attribute in node.attribute:
                if attribute.HasField("g"):
                    stack.append(attribute.g)
                stack.extend(attribute.graphs)


def tensor_of(value: Any) -> Tensor:
    """The dtype and shape of a ValueInfoProto; unknown for sequences, maps and optionals."""
    if value.type.WhichOneof("value") != "tensor_type":
        return Tensor(None, None)
    kind = value.type.tensor_type
    shape = tuple(_dimension(dim) for dim in kind.shape.dim) if kind.HasField("shape") else None
    return Tensor(dtype_name(kind.elem_type), shape)


def _dimension(dim: Any) -> int | str | None:
    which = dim.WhichOneof("value")
    if which == "dim_value":
        # A negative dimension is no dimension, whatever a file means by it.
        return int(dim.dim_value) if dim.dim_value >= 0 else "?"
    return str(dim.dim_param) if which == "dim_param" and dim.dim_param else None


def _contradict(declared: Tensor, computed: Tensor) -> bool:
    if declared.dtype and computed.dtype and declared.dtype != computed.dtype:
        return True
    if declared.shape is None or computed.shape is None:
        return False
    return len(declared.shape) != len(computed.shape) or any(
        type(one) is int and type(other) is int and one != other
        for one, other in zip(declared.shape, computed.shape, strict=True)
    )
