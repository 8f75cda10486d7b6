"""Nodes that compute x * scale + shift with constants: Add, Sub, Mul, Div, Neg, BatchNormalization, Where."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from safecheck.ir.walk import is_standard
from safecheck.rewrite.algebra.rounding import FLOATS
from safecheck.rewrite.attributes import attribute, integer
from safecheck.rewrite.graph import MutableGraph


@dataclass(frozen=True)
class Affine:
    """x * scale + shift. Arrays are float64 with as many dimensions as x, each of size 1 or as long as that of x."""

    scale: Any
    shift: Any
    magnitude: Any
    """At least |shift|: the sum of the magnitudes of the terms that make it, for bounds that survive cancellation."""
    roundings: int
    """Roundings per term in the nodes it was read from."""
    single: bool
    """Whether every element is one product, or one sum with x or -x: rounded once, and a convolution rounds alike."""

    @property
    def axes(self) -> tuple[int, ...]:
        """The axes along which the constants vary."""
        arrays = (self.scale, self.shift, self.magnitude)
        return tuple(axis for axis in range(self.scale.ndim) if any(array.shape[axis] != 1 for array in arrays))

    def then(self, other: Affine) -> Affine:
        """First this one, then the other."""
        import numpy

        return Affine(
            other.scale * self.scale,
            other.scale * self.shift + other.shift,
            numpy.abs(other.scale) * self.magnitude + other.magnitude,
            self.roundings + other.roundings,
            False,
        )


@dataclass(frozen=True)
class Step:
    """A node that is an affine map of one operand."""

    node: Any
    data: str
    """The operand."""
    affine: Affine

    @property
    def result(self) -> str:
        """What the node makes."""
        return str(self.node.output[0])


def read(graph: MutableGraph, node: Any) -> Step | None:
    """The affine map of a node with constant other operands that broadcast to the data, not the other way round."""
    reader = _READERS.get(node.op_type) if is_standard(node) else None
    step = None if reader is None else reader(graph, node)
    if step is None or graph.tensor(step.data).dtype not in FLOATS:
        return None
    dims = graph.dims(step.data)
    return step if dims is not None and dims == graph.dims(node.output[0]) else None


def after(graph: MutableGraph, name: str) -> Iterator[Step]:
    """The affine maps that follow a value one after the other, nobody else reading what lies between."""
    while not graph.is_output(name) and len(readers := graph.consumers(name)) == 1:
        step = read(graph, readers[0])
        if step is None or step.data != name:
            return
        yield step
        name = step.result


def before(graph: MutableGraph, name: str) -> Iterator[Step]:
    """The affine maps that lead to a value, the last one first, nobody else reading what they make."""
    while not graph.is_output(name) and len(graph.consumers(name)) == 1:
        maker = graph.producer(name)
        step = None if maker is None else read(graph, maker)
        if step is None:
            return
        yield step
        name = step.data


def along(array: Any, axes: Sequence[int], dims: Sequence[int]) -> Any | None:
    """The entries of a constant along some axes of the data, flat in that order; None if it varies along others."""
    import numpy

    if any(size != 1 for axis, size in enumerate(array.shape) if axis not in axes):
        return None
    order = [*axes, *(axis for axis in range(array.ndim) if axis not in axes)]
    picked = array.transpose(order).reshape([array.shape[axis] for axis in axes])
    return numpy.broadcast_to(picked, [dims[axis] for axis in axes]).reshape(-1)


def _constant(graph: MutableGraph, name: str, rank: int) -> Any | None:
    """A constant in float64 with as many dimensions as the data; of length 1 along axes where it does not vary."""
    import numpy

    array = graph.constant(name)
    if array is None or array.dtype.kind != "f" or array.ndim > rank:
        return None
    array = array.astype(numpy.float64).reshape((1,) * (rank - array.ndim) + array.shape)
    for axis in range(rank):
        first = array.take(range(min(1, array.shape[axis])), axis)
        if bool((array == first).all()):
            array = first
    return array


def _scaled(node: Any, data: str, scale: Any, exact: bool = True) -> Step:
    import numpy

    zero = numpy.zeros((1,) * scale.ndim)
    return Step(node, data, Affine(scale, zero, zero, 1, exact))


def _shifted(node: Any, data: str, sign: float, shift: Any) -> Step:
    import numpy

    scale = numpy.full((1,) * shift.ndim, sign)
    return Step(node, data, Affine(scale, shift, numpy.abs(shift), 1, True))


def _operands(graph: MutableGraph, node: Any) -> tuple[str, Any, int] | None:
    """The data, the constant, and the position of the data."""
    for position in (0, 1):
        data, other = node.input[position], node.input[1 - position]
        dims = graph.dims(data)
        if dims is not None and graph.constant(data) is None:
            constant = _constant(graph, other, len(dims))
            if constant is not None:
                return data, constant, position
    return None


def _multiplication(graph: MutableGraph, node: Any) -> Step | None:
    found = _operands(graph, node)
    return None if found is None else _scaled(node, found[0], found[1])


def _addition(graph: MutableGraph, node: Any) -> Step | None:
    found = _operands(graph, node)
    return None if found is None else _shifted(node, found[0], 1.0, found[1])


def _subtraction(graph: MutableGraph, node: Any) -> Step | None:
    found = _operands(graph, node)
    if found is None:
        return None
    data, constant, position = found
    return _shifted(node, data, 1.0, -constant) if position == 0 else _shifted(node, data, -1.0, constant)


def _division(graph: MutableGraph, node: Any) -> Step | None:
    import numpy

    found = _operands(graph, node)
    if found is None or found[2] != 0 or bool((found[1] == 0).any()):
        return None
    mantissa, _ = numpy.frexp(found[1])
    return _scaled(node, found[0], 1 / found[1], bool((numpy.abs(mantissa) == 0.5).all()))


def _negation(graph: MutableGraph, node: Any) -> Step | None:
    import numpy

    dims = graph.dims(node.input[0])
    return None if dims is None else _scaled(node, node.input[0], numpy.full((1,) * len(dims), -1.0))


def _normalisation(graph: MutableGraph, node: Any) -> Step | None:
    """Scale (x - mean) / sqrt(variance + epsilon) + bias with running statistics."""
    import numpy

    dims = graph.dims(node.input[0])
    parameters = [graph.constant(name) for name in node.input[1:5]]
    if dims is None or len(dims) < 2 or (len(node.output) > 1 and any(node.output[1:])):
        return None
    if integer(node, "training_mode", 0) or len(parameters) != 4 or any(array is None for array in parameters):
        return None
    scale, bias, mean, variance = (numpy.asarray(array, numpy.float64) for array in parameters)
    found = attribute(node, "epsilon")
    epsilon = numpy.float32(1e-5) if found is None else found.f
    factor = scale / numpy.sqrt(variance + epsilon)
    shape = (1, -1) + (1,) * (len(dims) - 2)
    shift, magnitude = bias - mean * factor, numpy.abs(bias) + numpy.abs(mean * factor)
    # sum, square root, quotient, difference, product, sum: whichever way they are grouped
    affine = Affine(factor.reshape(shape), shift.reshape(shape), magnitude.reshape(shape), 6, False)
    return Step(node, node.input[0], affine)


def _choice(graph: MutableGraph, node: Any) -> Step | None:
    """A constant condition takes the data, times one plus zero, or a constant: times zero plus the constant."""
    import numpy

    condition = graph.constant(node.input[0])
    for position in (1, 2):
        data, dims = node.input[position], graph.dims(node.input[position])
        if condition is None or dims is None or condition.ndim > len(dims) or graph.constant(data) is not None:
            continue
        other = _constant(graph, node.input[3 - position], len(dims))
        if other is None:
            continue
        taken = condition.reshape((1,) * (len(dims) - condition.ndim) + condition.shape) == (position == 1)
        shift = numpy.where(taken, 0.0, other)
        return Step(node, data, Affine(taken.astype(numpy.float64), shift, numpy.abs(shift), 1, True))
    return None


_READERS: dict[str, Callable[[MutableGraph, Any], Step | None]] = {
    "Add": _addition,
    "BatchNormalization": _normalisation,
    "Div": _division,
    "Mul": _multiplication,
    "Neg": _negation,
    "Sub": _subtraction,
    "Where": _choice,
}
