"""Types and shapes of all values, recomputed by ONNX's own shape inference.

What a file declares about its inner values is not trusted: declarations are dropped first, so a file cannot hide a
large dimension behind a small one. The copy that is inferred holds no weight payloads. Where inference stops because
a shape is computed from fixed shapes (older exporters do that), the computation is carried out and inference goes on.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from safecheck import folding
from safecheck.constants import constant_node_tensor, dtype_name, dtype_number, proto_of
from safecheck.constants import tensor_of as initializer_tensor
from safecheck.form import UNKNOWN, Tensor
from safecheck.onnx_library import library, messages

# Every round settles at least one more computed shape; deep exports need one round for each block of the network.
_MAX_ROUNDS = 64


# Operators whose output shape depends on the elements of an input; a network without them is settled in one go.
_VALUE_DEPENDENT = frozenset(
    {
        "AffineGrid", "CenterCropPad", "Col2Im", "ConstantOfShape", "Expand", "Loop", "MaxUnpool", "OneHot", "Pad",
        "Range", "ReduceL1", "ReduceL2", "ReduceLogSum", "ReduceLogSumExp", "ReduceMax", "ReduceMean", "ReduceMin",
        "ReduceProd", "ReduceSum", "ReduceSumSquare", "Reshape", "Resize", "Scan", "Slice", "Split", "Squeeze",
        "Tile", "TopK", "Unsqueeze", "Upsample",
    }
)  # fmt: skip


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
    """Recompute all shapes; `model` loses its declared ones.

    A model that cannot be inferred keeps its nodes and has no shapes.
    """
    declared = [tensor_of(output) for output in model.graph.output]
    for output in model.graph.output:
        output.ClearField("type")
    for graph in graphs(model.graph):
        del graph.value_info[:]
        for node in graph.node:
            if node.domain == "ai.onnx":  # another spelling of the default domain, which inference does not know
                node.domain = ""
    try:
        inferred = _run(model)
        operators = {node.op_type for node in model.graph.node}
        if not _VALUE_DEPENDENT.isdisjoint(operators) and not _settled(inferred.graph):
            _settle(model, inferred, _opset(model))
    except Exception as error:  # the C++ library raises its own InferenceError and bare RuntimeError
        return Inferred(model, str(error), ())
    conflicts = tuple(
        output.name
        for promised, output in zip(declared, inferred.graph.output, strict=True)
        if _contradict(promised, tensor_of(output))
    )
    return Inferred(inferred, "", conflicts)


def _opset(model: Any) -> int:
    return next((int(entry.version) for entry in model.opset_import if entry.domain in ("", "ai.onnx")), 0)


def _run(model: Any) -> Any:
    inferred = messages().ModelProto()
    inferred.ParseFromString(library().shape_inference.infer_shapes(model.SerializeToString(), False, False, True))
    return inferred


def _settled(graph: Any) -> bool:
    known = {value.name for value in [*graph.value_info, *graph.output] if tensor_of(value).dims is not UNKNOWN}
    return all(name in known for node in graph.node for name in node.output if name)


def _settle(bare: Any, inferred: Any, opset: int) -> None:
    """Complete `inferred` by computing shape arithmetic on fixed shapes and inferring again, until nothing is new."""
    values: dict[str, Tensor] = {}
    rest = bare
    latest = inferred
    for _ in range(_MAX_ROUNDS):
        found = _fixed_values(latest.graph, values, opset)
        if not found:
            break
        values |= found
        rest = _with_values(rest, found)
        latest = _run(rest)
    if not values:
        return
    del inferred.graph.value_info[:]
    inferred.graph.value_info.extend(latest.graph.value_info)
    for name, tensor in values.items():
        inferred.graph.value_info.append(_value_info(name, tensor))
    for output, computed in zip(inferred.graph.output, latest.graph.output, strict=True):
        output.CopyFrom(computed)


def _fixed_values(graph: Any, before: dict[str, Tensor], opset: int) -> dict[str, Tensor]:
    """Small values of the main graph that depend on constants and fixed shapes only, and were not known before."""
    known: dict[str, Tensor] = {}
    for values in (graph.value_info, graph.output, graph.input):
        known.update((value.name, tensor_of(value)) for value in values)
    known.update((tensor.name, initializer_tensor(tensor)) for tensor in graph.initializer)
    outputs = {output.name for output in graph.output}
    found: dict[str, Tensor] = {}
    for node in graph.node:
        if node.op_type == "Constant" and node.output:
            known[node.output[0]] = constant_node_tensor(node.attribute)
            continue
        if len(node.output) != 1 or node.output[0] in outputs or not folding.foldable(node, opset):
            continue
        inputs = [known.get(name) if name else None for name in node.input]
        result = known.get(node.output[0], Tensor(None, None))
        if folding.reads_shape_only(node, inputs[0]):
            elements = folding.shape_elements(node, inputs[0])
        else:
            elements = folding.elements(node, inputs, result, opset)
        if elements is not None and result.dims is not UNKNOWN:
            tensor = result._replace(values=elements)
            known[node.output[0]] = tensor
            if node.output[0] not in before:
                found[node.output[0]] = tensor
    return found


def _with_values(model: Any, values: dict[str, Tensor]) -> Any:
    """The model with the nodes that compute these values replaced by initializers."""
    replaced = messages().ModelProto()
    replaced.CopyFrom(model)
    kept = [node for node in replaced.graph.node if not (len(node.output) == 1 and node.output[0] in values)]
    del replaced.graph.node[:]
    replaced.graph.node.extend(kept)
    for name, tensor in values.items():
        replaced.graph.initializer.append(proto_of(name, tensor))
    return replaced


def _value_info(name: str, tensor: Tensor) -> Any:
    value = messages().ValueInfoProto(name=name)
    kind = value.type.tensor_type
    kind.elem_type = dtype_number(tensor.dtype)
    kind.shape.SetInParent()
    for dim in tensor.shape or ():
        kind.shape.dim.add().dim_value = int(dim) if dim is not None else 0
    return value


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


def symbols(graph: Any) -> frozenset[str]:
    """Names of the symbolic dimensions that network inputs declare.

    Inference invents names for dimensions it cannot compute; only the declared ones mean a dynamic shape.
    """
    found: set[str] = set()
    for value in graph.input:
        shape = tensor_of(value).shape or ()
        found.update(dim for dim in shape if isinstance(dim, str))
    return frozenset(found)


def tensor_of(value: Any, declared: frozenset[str] | None = None) -> Tensor:
    """The dtype and shape of a ValueInfoProto; unknown for sequences, maps and optionals.

    With `declared`, a symbolic dimension of another name is an unknown one.
    """
    type_ = value.type
    if not type_.HasField("tensor_type"):
        return Tensor(None, None)
    kind = type_.tensor_type
    if not kind.HasField("shape"):
        return Tensor(dtype_name(kind.elem_type), None)
    proto_dims = kind.shape.dim
    dims: tuple[int | str | None, ...] = tuple([dim.dim_value for dim in proto_dims])
    if all(dim > 0 for dim in dims if isinstance(dim, int)):
        return Tensor(dtype_name(kind.elem_type), dims)  # a symbolic or unknown dimension reads as 0
    dims = tuple(_dimension(dim) for dim in proto_dims)
    if declared is not None:
        dims = tuple(None if isinstance(dim, str) and dim not in declared else dim for dim in dims)
    return Tensor(dtype_name(kind.elem_type), dims)


def _dimension(dim: Any) -> int | str | None:
    which = dim.WhichOneof("value")
    if which == "dim_value":
        # A negative dimension is no dimension; writers use -1 for a dynamic one.
        return int(dim.dim_value) if dim.dim_value >= 0 else str(dim.dim_value)
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
