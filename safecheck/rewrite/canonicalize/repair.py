"""Spellings that exporters write although ONNX does not allow them, and whose meaning is plain."""

from __future__ import annotations

from typing import Any

from safecheck.intake.dtypes import dtype_number
from safecheck.intake.onnx_library import messages
from safecheck.ir.walk import is_standard
from safecheck.rewrite.attributes import attribute
from safecheck.rewrite.builder import Builder
from safecheck.rewrite.graph import MutableGraph


def repair(proto: Any) -> list[Any]:
    """Count negative axes of Transpose from the front; returns the nodes that were changed.

    PyTorch's TorchScript exporter writes them for `moveaxis`. Shape inference fails on them, so this comes first.
    """
    changed = []
    for node in proto.graph.node:
        order = attribute(node, "perm") if node.op_type == "Transpose" and is_standard(node) else None
        if order is not None and any(axis < 0 for axis in order.ints):
            rank = len(order.ints)
            fixed = [axis % rank for axis in order.ints]
            del order.ints[:]
            order.ints.extend(fixed)
            changed.append(node)
    if changed:
        del proto.graph.value_info[:]  # the exporter computed the shapes after it with the wrong axes
        for output in proto.graph.output:
            output.type.tensor_type.ClearField("shape")
    return changed


def count_axes_from_front(graph: MutableGraph) -> list[Any]:
    """The same for axes of other operators below opset 11, which allows no negative ones; returns the changed node.

    Shape inference silently gives such a node a wrong shape or none, so one node is changed at a time: what follows it
    is known only when types have been inferred anew.
    """
    for node in graph.nodes if graph.opset < 11 else ():
        written = attribute(node, "axes") or attribute(node, "axis")
        if written is None or not is_standard(node) or not node.input:
            continue
        axes = list(written.ints) if written.name == "axes" else [written.i]
        shape = graph.tensor(node.input[0]).shape
        if shape is None or all(axis >= 0 for axis in axes):
            continue
        rank = len(shape) + (len(axes) if node.op_type == "Unsqueeze" else 0)
        if written.name == "axes":
            del written.ints[:]
            written.ints.extend(sorted(axis % rank for axis in axes))
        else:
            written.i = axes[0] % rank
        return [node]
    return []


def cast_like_to_cast(graph: MutableGraph) -> list[Any]:
    """Write the type that CastLike takes from its second operand; returns the nodes that are gone."""
    gone = []
    for node in list(graph.nodes):
        if node.op_type != "CastLike" or not is_standard(node) or len(node.input) < 2:
            continue
        if graph.tensor(node.input[1]).dtype:
            to = dtype_number(graph.tensor(node.input[1]).dtype)
            cast = messages().NodeProto(name=node.name, op_type="Cast", input=[node.input[0]], output=node.output)
            cast.attribute.add(name="to", i=to, type=messages().AttributeProto.INT)
            graph.splice(node, [cast])
            gone.append(node)
    return gone


def range_operands_to_scalars(graph: MutableGraph) -> list[Any]:
    """Turn vectors of one element that Range reads into scalars; returns the Range nodes.

    ONNX asks for scalars, runtimes take both. A condition that is written out shows a shape that nobody knew before.
    """
    changed = []
    for node in list(graph.nodes):
        if node.op_type != "Range" or not is_standard(node):
            continue
        vectors = [name for name in dict.fromkeys(node.input) if graph.dims(name) == (1,)]
        if not vectors:
            continue
        builder = Builder(graph, node.output[0])
        scalars = {name: builder.reshape(name, ()) for name in vectors}
        builder.again(node, [scalars.get(name, name) for name in node.input])
        builder.nodes[-1].output[0] = node.output[0]
        for name, array in builder.constants.items():
            graph.keep(name, array)
        graph.splice(node, builder.nodes)
        changed.append(node)
    return changed
