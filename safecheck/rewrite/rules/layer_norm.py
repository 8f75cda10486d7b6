"""A layer normalisation that an exporter wrote out becomes one operator again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from safecheck.ir.protos import numpy_type
from safecheck.rewrite.attributes import axes_of, integer
from safecheck.rewrite.builder import Sketch
from safecheck.rewrite.graph import Bench
from safecheck.rewrite.rule import Claim, Option, Site

_MIN_OPSET = 17
"""LayerNormalization exists from here on."""
_CLAIM = Claim(
    "tested",
    "both sides are (x - mean) / sqrt(variance + epsilon) x scale + bias, the variance being the mean of squares",
)


@dataclass
class _Found:
    """What was read off the nodes so far."""

    source: str
    axes: tuple[int, ...]
    epsilon: float
    result: str
    scale: Any = None
    bias: Any = None


class FuseLayerNormalization:
    """ReduceMean, Sub, Pow or Mul, ReduceMean, Add, Sqrt, Div and, if there are any, a constant scale and bias."""

    name = "fuse-layer-normalization"
    remedies = ()

    def match(self, bench: Bench, node: Any) -> Site | None:
        """The normalisation whose root is the anchor; axes that are not the last ones are exchanged with those."""
        if node.op_type not in ("Sqrt", "Pow"):
            return None
        found = _normalisation(bench, node)
        if found is None:
            return None
        if bench.opset < _MIN_OPSET:
            return Site(
                (node,), reason=f"LayerNormalization exists from operator set {_MIN_OPSET} on, not {bench.opset}"
            )
        dims = bench.dims(found.source) or ()
        kept = tuple(axis for axis in range(len(dims)) if axis not in found.axes)
        order = (*kept, *found.axes)
        back = tuple(order.index(axis) for axis in range(len(dims)))
        sketch = Sketch(bench, found.result)
        value = found.source if order == back else sketch.transpose(found.source, order)
        operands = [value, sketch.constant(_parameter(found, found.scale, dims, bench))]
        if found.bias is not None:
            operands.append(sketch.constant(_parameter(found, found.bias, dims, bench)))
        value = sketch.add("LayerNormalization", operands, axis=len(kept), epsilon=found.epsilon)
        if order != back:
            value = sketch.transpose(value, back)
        return Site((node,), (Option(sketch.replacement([found.source], {found.result: value}), _CLAIM),))


def _normalisation(bench: Bench, root: Any) -> _Found | None:
    """Read backwards from the root to the source, and forwards to the result."""
    if root.op_type == "Pow" and _number(bench, root.input[1]) != -0.5:
        return None
    sum_ = bench.producer(root.input[0])
    if sum_ is None or sum_.op_type != "Add":
        return None
    variance, epsilon = _with_number(bench, sum_)
    squares, axes = _mean(bench, variance)
    deviation = _squared(bench, squares)
    source = _centred(bench, deviation, axes)
    if source is None or epsilon is None or epsilon < 0 or axes is None:
        return None
    divided = _divided(bench, root, source, axes)
    if divided is None:
        return None
    found = _Found(source, axes, epsilon, divided)
    for op_type, field in (("Mul", "scale"), ("Add", "bias")):
        follower = _only_reader(bench, found.result)
        if follower is None or follower.op_type != op_type:
            continue
        arrays = [array for name in follower.input if (array := bench.constant(name)) is not None]
        if len(arrays) == 1 and _parameter(found, arrays[0], bench.dims(source) or (), bench) is not None:
            setattr(found, field, arrays[0])
            found.result = follower.output[0]
    return found


def _mean(bench: Bench, name: str | None) -> tuple[str | None, tuple[int, ...] | None]:
    """What a mean that keeps its axes is taken of, and over which."""
    node = bench.producer(name) if name else None
    if node is None or node.op_type != "ReduceMean" or not integer(node, "keepdims", 1):
        return None, None
    dims = bench.dims(node.input[0])
    return (None, None) if dims is None else (node.input[0], axes_of(bench, node, len(dims)))


def _squared(bench: Bench, name: str | None) -> str | None:
    """What is squared."""
    node = bench.producer(name) if name else None
    if node is None:
        return None
    if node.op_type == "Pow" and _number(bench, node.input[1]) == 2:
        return str(node.input[0])
    return str(node.input[0]) if node.op_type == "Mul" and node.input[0] == node.input[1] else None


def _centred(bench: Bench, name: str | None, axes: tuple[int, ...] | None) -> str | None:
    """What the mean was subtracted from."""
    node = bench.producer(name) if name else None
    if node is None or node.op_type != "Sub" or not axes:
        return None
    source, over = _mean(bench, node.input[1])
    return source if source == node.input[0] and over == axes else None


def _divided(bench: Bench, root: Any, source: str, axes: tuple[int, ...]) -> str | None:
    """The result of dividing the centred source by the root: Div, or Mul with the reciprocal."""
    reader, value = _only_reader(bench, root.output[0]), root.output[0]
    inverse = root.op_type == "Pow"
    if reader is not None and not inverse and _inverts(bench, reader, value):
        inverse, value = True, reader.output[0]
        reader = _only_reader(bench, value)
    if reader is None or reader.op_type != ("Mul" if inverse else "Div") or (not inverse and reader.input[1] != value):
        return None
    other = reader.input[1] if reader.input[0] == value else reader.input[0]
    return str(reader.output[0]) if _centred(bench, other, axes) == source else None


def _inverts(bench: Bench, node: Any, value: str) -> bool:
    one_over = node.op_type == "Div" and node.input[1] == value and _number(bench, node.input[0]) == 1
    return node.op_type == "Reciprocal" or one_over


def _only_reader(bench: Bench, name: str) -> Any | None:
    readers = bench.consumers(name)
    return readers[0] if len(readers) == 1 and not bench.is_output(name) else None


def _number(bench: Bench, name: str) -> float | None:
    """The only element of a constant."""
    array = bench.constant(name)
    return float(array.reshape(-1)[0]) if array is not None and array.size == 1 else None


def _with_number(bench: Bench, node: Any) -> tuple[str | None, float | None]:
    """The other operand of a sum with a constant number, and the number."""
    for name, other in (tuple(node.input), tuple(reversed(node.input))):
        number = _number(bench, other)
        if number is not None:
            return name, number
    return None, None


def _parameter(found: _Found, array: Any, dims: tuple[int, ...], bench: Bench) -> Any | None:
    """A scale or bias with the shape of the normalised axes, ones if there is none; None if it varies along others."""
    import numpy

    wanted = [dims[axis] for axis in found.axes]
    if array is None:
        return numpy.ones(wanted, numpy_type(bench.tensor(found.source).dtype or "FLOAT"))
    if array.ndim > len(dims):
        return None
    full = array.reshape((1,) * (len(dims) - array.ndim) + array.shape)
    if any(size != 1 and axis not in found.axes for axis, size in enumerate(full.shape)):
        return None
    return numpy.broadcast_to(full.reshape([full.shape[axis] for axis in found.axes]), wanted)
