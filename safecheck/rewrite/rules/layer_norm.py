"""A layer normalisation that an exporter wrote out becomes one operator again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from safecheck.ir.protos import numpy_type
from safecheck.rewrite.attributes import axes_of, integer
from safecheck.rewrite.builder import Builder
from safecheck.rewrite.graph import MutableGraph
from safecheck.rewrite.rule import Candidate, Claim, Match

_MIN_OPSET = 17
"""LayerNormalization exists from here on."""
_CLAIM = Claim(
    "tested",
    "both sides are (x - mean) / sqrt(variance + epsilon) x scale + bias, the variance being the mean of squares",
)


@dataclass
class WrittenOut:
    """What was read off the nodes so far."""

    source: str
    axes: tuple[int, ...]
    epsilon: float
    result: str
    scale: Any = None
    bias: Any = None

    def parameter(self, graph: MutableGraph, array: Any) -> Any | None:
        """A scale or bias with the shape of the normalised axes; None if there is none."""
        return None if array is None else _parameter(self, array, graph.dims(self.source) or (), graph)


class FuseLayerNormalization:
    """ReduceMean, Sub, Pow or Mul, ReduceMean, Add, Sqrt, Div and, if there are any, a constant scale and bias."""

    name = "fuse-layer-normalization"
    remedies = ()

    def match(self, graph: MutableGraph, node: Any) -> Match | None:
        """The normalisation whose root is the anchor; axes that are not the last ones are exchanged with those."""
        if node.op_type not in ("Sqrt", "Pow"):
            return None
        found = written_out(graph, node)
        if found is None:
            return None
        if graph.opset < _MIN_OPSET:
            return Match(
                (node,), reason=f"LayerNormalization exists from operator set {_MIN_OPSET} on, not {graph.opset}"
            )
        dims = graph.dims(found.source) or ()
        kept = tuple(axis for axis in range(len(dims)) if axis not in found.axes)
        order = (*kept, *found.axes)
        back = tuple(order.index(axis) for axis in range(len(dims)))
        builder = Builder(graph, found.result)
        value = found.source if order == back else builder.transpose(found.source, order)
        operands = [value, builder.constant(_parameter(found, found.scale, dims, graph))]
        if found.bias is not None:
            operands.append(builder.constant(_parameter(found, found.bias, dims, graph)))
        value = builder.add("LayerNormalization", operands, axis=len(kept), epsilon=found.epsilon)
        if order != back:
            value = builder.transpose(value, back)
        return Match((node,), (Candidate(builder.replacement([found.source], {found.result: value}), _CLAIM),))


def written_out(graph: MutableGraph, root: Any) -> WrittenOut | None:
    """Read backwards from the root to the source, and forwards to the result."""
    if root.op_type == "Pow" and _number(graph, root.input[1]) != -0.5:
        return None
    sum_ = graph.producer(root.input[0])
    if sum_ is None or sum_.op_type != "Add":
        return None
    variance, epsilon = _with_number(graph, sum_)
    squares, axes = _mean(graph, variance)
    deviation = _squared(graph, squares)
    source = _centred(graph, deviation, axes)
    if source is None or epsilon is None or epsilon < 0 or axes is None:
        return None
    divided = _divided(graph, root, source, axes)
    if divided is None:
        return None
    found = WrittenOut(source, axes, epsilon, divided)
    for op_type, field in (("Mul", "scale"), ("Add", "bias")):
        follower = _only_reader(graph, found.result)
        if follower is None or follower.op_type != op_type:
            continue
        arrays = [array for name in follower.input if (array := graph.constant(name)) is not None]
        if len(arrays) == 1 and _parameter(found, arrays[0], graph.dims(source) or (), graph) is not None:
            setattr(found, field, arrays[0])
            found.result = follower.output[0]
    return found


def _mean(graph: MutableGraph, name: str | None) -> tuple[str | None, tuple[int, ...] | None]:
    """What a mean that keeps its axes is taken of, and over which."""
    node = graph.producer(name) if name else None
    if node is None or node.op_type != "ReduceMean" or not integer(node, "keepdims", 1):
        return None, None
    dims = graph.dims(node.input[0])
    return (None, None) if dims is None else (node.input[0], axes_of(graph, node, len(dims)))


def _squared(graph: MutableGraph, name: str | None) -> str | None:
    """What is squared."""
    node = graph.producer(name) if name else None
    if node is None:
        return None
    if node.op_type == "Pow" and _number(graph, node.input[1]) == 2:
        return str(node.input[0])
    return str(node.input[0]) if node.op_type == "Mul" and node.input[0] == node.input[1] else None


def _centred(graph: MutableGraph, name: str | None, axes: tuple[int, ...] | None) -> str | None:
    """What the mean was subtracted from."""
    node = graph.producer(name) if name else None
    if node is None or node.op_type != "Sub" or not axes:
        return None
    source, over = _mean(graph, node.input[1])
    return source if source == node.input[0] and over == axes else None


def _divided(graph: MutableGraph, root: Any, source: str, axes: tuple[int, ...]) -> str | None:
    """The result of dividing the centred source by the root: Div, or Mul with the reciprocal."""
    reader, value = _only_reader(graph, root.output[0]), root.output[0]
    inverse = root.op_type == "Pow"
    if reader is not None and not inverse and _inverts(graph, reader, value):
        inverse, value = True, reader.output[0]
        reader = _only_reader(graph, value)
    if reader is None or reader.op_type != ("Mul" if inverse else "Div") or (not inverse and reader.input[1] != value):
        return None
    other = reader.input[1] if reader.input[0] == value else reader.input[0]
    return str(reader.output[0]) if _centred(graph, other, axes) == source else None


def _inverts(graph: MutableGraph, node: Any, value: str) -> bool:
    one_over = node.op_type == "Div" and node.input[1] == value and _number(graph, node.input[0]) == 1
    return node.op_type == "Reciprocal" or one_over


def _only_reader(graph: MutableGraph, name: str) -> Any | None:
    readers = graph.consumers(name)
    return readers[0] if len(readers) == 1 and not graph.is_output(name) else None


def _number(graph: MutableGraph, name: str) -> float | None:
    """The only element of a constant."""
    array = graph.constant(name)
    return float(array.reshape(-1)[0]) if array is not None and array.size == 1 else None


def _with_number(graph: MutableGraph, node: Any) -> tuple[str | None, float | None]:
    """The other operand of a sum with a constant number, and the number."""
    for name, other in (tuple(node.input), tuple(reversed(node.input))):
        number = _number(graph, other)
        if number is not None:
            return name, number
    return None, None


def _parameter(found: WrittenOut, array: Any, dims: tuple[int, ...], graph: MutableGraph) -> Any | None:
    """A scale or bias with the shape of the normalised axes, ones if there is none; None if it varies along others."""
    import numpy

    wanted = [dims[axis] for axis in found.axes]
    if array is None:
        return numpy.ones(wanted, numpy_type(graph.tensor(found.source).dtype or "FLOAT"))
    if array.ndim > len(dims):
        return None
    full = array.reshape((1,) * (len(dims) - array.ndim) + array.shape)
    if any(size != 1 and axis not in found.axes for axis, size in enumerate(full.shape)):
        return None
    return numpy.broadcast_to(full.reshape([full.shape[axis] for axis in found.axes]), wanted)
