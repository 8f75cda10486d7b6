"""Types and shapes of all values, recomputed by ONNX's own shape inference.

What a file declares about its inner values is not trusted: declarations are dropped first, so a file cannot hide a
large dimension behind a small one. The copy that is inferred holds no weight payloads. Where inference stops because
a shape is computed from fixed shapes (older exporters do that), the computation is carried out and inference goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from safecheck.intake.onnx_library import library, messages
from safecheck.ir import folding
from safecheck.ir.protos import (
    proto_from_tensor,
    standalone,
    tensor_from_constant,
    tensor_from_proto,
    tensor_from_value_info,
    value_info,
    writable,
)
from safecheck.ir.shape_inference import loops as bodies
from safecheck.ir.shape_inference.fixed import fixed_types
from safecheck.ir.shape_inference.value_propagation import may_follow_elements
from safecheck.ir.signature import UNKNOWN, UNKNOWN_TENSOR, Tensor
from safecheck.ir.walk import every_graph, opset
from safecheck.values import dataclass, replace

_MOST_LOOPS = 500
"""That hand shapes on to each other. Each costs an inference of the whole model; of more, nothing is said."""
_IR_VERSION = 4
"""The first one in which an initializer needs no input of its name."""

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
    types: Mapping[str, Tensor] | None = None
    """Types of all values that nodes compute, where they are all fixed; `value_info` is empty then."""


def infer(model: Any, assumed: Collection[str] = (), follow: bool = True) -> Inferred:
    """Recompute all shapes; `model` loses its declared ones, but for the values of the main graph that are `assumed`.

    A model that cannot be inferred keeps its nodes and has no shapes. Without `follow`, elements of shapes are not
    followed, even where they could be.
    """
    return _inferred(model, assumed, lambda: _settle(model, follow and may_follow_elements(model)))


def infer_by_kind(model: Any) -> Inferred | None:
    """The same for a model whose nodes are harmless one by one, however many; None if a type does not come out fixed.

    What the model declares is still there then.
    """
    types = fixed_types(model)
    return None if types is None else infer_plainly(model, types)


def infer_plainly(model: Any, types: dict[str, Tensor] | None = None) -> Inferred:
    """The same for a harmless model: node by node, or by one inference that follows no elements and needs no more.

    `types` are those that are known of all values.
    """

    def typed() -> Any:
        nonlocal types
        types = types or fixed_types(model)
        if types is None:
            return _run(model, False)
        for output in model.graph.output:
            output.type.CopyFrom(value_info(output.name, types[output.name]).type)
        return model

    return replace(_inferred(model, (), typed), types=types)


def _inferred(model: Any, assumed: Collection[str], typed_model: Callable[[], Any]) -> Inferred:
    declared = forget_declared(model, assumed)
    try:
        typed = typed_model()
    except MemoryError:
        raise  # a limit, and nothing that is wrong with the model
    except Exception as error:  # the C++ library raises its own InferenceError and bare RuntimeError
        return Inferred(model, str(error), ())
    conflicts = tuple(
        output.name
        for promised, output in zip(declared, typed.graph.output, strict=True)
        if _contradict(promised, tensor_from_value_info(output))
    )
    return Inferred(typed, "", conflicts)


def forget_declared(model: Any, assumed: Collection[str] = ()) -> list[Tensor]:
    """Drop what the model declares about its values, but for those `assumed`; what its outputs were declared to be."""
    declared = [tensor_from_value_info(output) for output in model.graph.output]
    for output in model.graph.output:
        output.ClearField("type")
    believed = [value for value in model.graph.value_info if value.name in assumed]
    for graph in list(every_graph(model.graph)):
        del graph.value_info[:]
        if graph is not model.graph:
            for value in (value for value in graph.input if value.type.HasField("tensor_type")):
                value.type.tensor_type.ClearField("shape")
            for value in graph.output:
                value.ClearField("type")
        for node in graph.node:
            if node.domain == "ai.onnx":  # another spelling of the default domain, which inference does not know
                node.domain = ""
    model.graph.value_info.extend(believed)
    return declared


def _run(model: Any, follow: bool) -> Any:
    """One inference; `follow` also follows the elements of shapes, which open dimensions need."""
    inferred = messages().ModelProto()
    inferred.ParseFromString(library().shape_inference.infer_shapes(model.SerializeToString(), False, False, follow))
    return inferred


def _completed(model: Any, follow: bool, incomplete: bool) -> Any:
    """The types of a model; if it has bodies to complete, declares in `model` what is found about them."""
    if not incomplete:
        return _run(model, follow)
    bodies.lend_constants(model.graph)
    completion = bodies.Completion()
    for _ in range(_MOST_LOOPS):
        latest = _run(model, follow)
        if not completion.declare(model, latest):
            return latest
    raise RuntimeError("the shapes of loop bodies depend on each other too deeply")


def _settled(graph: Any) -> bool:
    known = {
        value.name for value in [*graph.value_info, *graph.output] if tensor_from_value_info(value).dims is not UNKNOWN
    }
    return all(name in known for node in graph.node for name in node.output if name)


def _settle(model: Any, follow: bool) -> Any:
    """The model with its types; what follows from fixed shapes is computed here, and inference goes on with them."""
    rest = model
    incomplete = bodies.needed(model)
    if incomplete:
        rest = messages().ModelProto()
        rest.CopyFrom(model)
    latest = _completed(rest, follow, incomplete)
    values: dict[str, Tensor] = {}
    open_values = not _VALUE_DEPENDENT.isdisjoint(node.op_type for node in model.graph.node)
    while open_values and not _settled(latest.graph):
        found = _fixed_values(latest.graph, values, model)
        if not found:
            break
        values |= found
        rest = _with_values(rest, found)
        latest = _completed(rest, follow, incomplete)
    return latest if rest is model else _typed(model, latest, values)


def _fixed_values(graph: Any, before: dict[str, Tensor], model: Any) -> dict[str, Tensor]:
    """Small values of the main graph that depend on constants and fixed shapes only, and were not known before.

    A shape that such a value settles settles others: one walk in the order of the nodes follows all of them.
    """
    known: dict[str, Tensor] = {}
    version = opset(model)
    for values in (graph.value_info, graph.output, graph.input):
        known.update((value.name, tensor_from_value_info(value)) for value in values)
    known.update((tensor.name, tensor_from_proto(tensor)) for tensor in graph.initializer)
    outputs = {output.name for output in graph.output}
    asked_for = _asked_for(graph)
    found: dict[str, Tensor] = {}
    for node in graph.node:
        if node.op_type == "Constant" and node.output:
            known[node.output[0]] = tensor_from_constant(node.attribute)
            continue
        if not folding.foldable(node, version):
            continue
        inputs = [known.get(name) if name else None for name in node.input]
        if any(known.get(name, UNKNOWN_TENSOR).dims is UNKNOWN for name in node.output if name in asked_for):
            known.update(_alone(node, inputs, model.opset_import))
        if not outputs.isdisjoint(node.output):
            continue
        for position, name in enumerate(node.output):
            result = known.get(name, Tensor(None, None))
            if folding.reads_shape_only(node, inputs[0]):
                elements = folding.shape_elements(node, inputs[0])
            else:
                elements = folding.elements(node, inputs, result, version, position)
            tensor = result._replace(values=elements)
            if name and writable(tensor):
                known[name] = tensor
                if name not in before:
                    found[name] = tensor
    return found


def _asked_for(graph: Any) -> set[str]:
    """The values that lead to a shape: what follows the last operator that reads one need not be known beforehand."""
    names: set[str] = set()
    for node in reversed(graph.node):
        if (
            node.op_type in folding.OF_SHAPE_ONLY
            or node.op_type in _VALUE_DEPENDENT
            or not names.isdisjoint(node.output)
        ):
            names.update(filter(None, node.input))
    return names


def _alone(node: Any, inputs: list[Tensor | None], opsets: Any) -> dict[str, Tensor]:
    """What inference says of the outputs of one node whose inputs are known."""
    given = {name: tensor for name, tensor in zip(node.input, inputs, strict=True) if name}
    if any(tensor is None or tensor.dims is UNKNOWN for tensor in given.values()):
        return {}
    fixed = {name: tensor for name, tensor in given.items() if tensor is not None and writable(tensor)}
    rest = [value_info(name, tensor) for name, tensor in given.items() if tensor is not None and name not in fixed]
    values = [proto_from_tensor(name, tensor) for name, tensor in fixed.items()]
    inferred = _run(standalone([node], rest, (), values, opsets, _IR_VERSION), False)
    return {value.name: tensor_from_value_info(value) for value in inferred.graph.value_info}


def _with_values(model: Any, values: dict[str, Tensor]) -> Any:
    """The model with the nodes that compute these values replaced by initializers."""
    replaced = messages().ModelProto()
    replaced.CopyFrom(model)
    kept = [node for node in replaced.graph.node if not all(name in values for name in node.output if name)]
    rest = {name for node in kept for name in node.output}
    del replaced.graph.node[:]
    replaced.graph.node.extend(kept)
    for name, tensor in values.items():
        if name not in rest:
            replaced.graph.initializer.append(proto_from_tensor(name, tensor))
    return replaced


def _typed(model: Any, latest: Any, values: dict[str, Tensor]) -> Any:
    """The model as it is, with the types of one that was completed and in which values were computed."""
    typed = messages().ModelProto()
    typed.CopyFrom(model)
    for graph, known in zip(every_graph(typed.graph), every_graph(latest.graph), strict=True):
        graph.value_info.extend(known.value_info)
        for mine, other in ((graph.input, known.input), (graph.output, known.output)):
            for value, inferred in zip(mine, other, strict=True):
                value.CopyFrom(inferred)
    typed.graph.value_info.extend(value_info(name, tensor) for name, tensor in values.items())
    return typed


def _contradict(declared: Tensor, computed: Tensor) -> bool:
    if declared.dtype and computed.dtype and declared.dtype != computed.dtype:
        return True
    if declared.shape is None or computed.shape is None:
        return False
    return len(declared.shape) != len(computed.shape) or any(
        type(one) is int and type(other) is int and one != other
        for one, other in zip(declared.shape, computed.shape, strict=True)
    )
