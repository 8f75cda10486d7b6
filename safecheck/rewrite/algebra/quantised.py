"""Constants that are stored as whole numbers with scales: DequantizeLinear of an initializer, or of one quantised."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from safecheck.intake.onnx_library import messages
from safecheck.ir.protos import numpy_type
from safecheck.ir.walk import is_standard
from safecheck.rewrite.attributes import integer
from safecheck.rewrite.graph import MutableGraph
from safecheck.rewrite.replacement import Replacement
from safecheck.rewrite.rule import Candidate

EIGHT_BITS = ("INT8", "UINT8")


@dataclass(frozen=True)
class Stored:
    """What a DequantizeLinear reads."""

    numbers: Any
    """int64, less the zero point."""
    scale: Any
    """One, or one for each place along `axis`."""
    axis: int
    kind: Any
    """numpy type of the result."""

    @property
    def values(self) -> Any:
        """The numbers that they stand for, rounded as ONNX defines it."""
        return (self.numbers.astype(self.kind) * _along(self.scale, self.axis, self.numbers.ndim)).astype(self.kind)


def stored(graph: MutableGraph, name: str) -> Stored | None:
    """What stands behind a value, if that is whole numbers and scales that are constant; blocks are left out."""
    dtype, node = graph.tensor(name).dtype, _maker(graph, name, "DequantizeLinear")
    if node is None or dtype not in ("FLOAT", "FLOAT16"):
        return None
    numbers = _numbers(graph, node.input[0])
    if numbers is None or (found := _steps(graph, node, numbers)) is None:
        return None
    scale, zero, axis = found
    return Stored(numbers - _along(zero, axis, numbers.ndim), scale.reshape(-1), axis, numpy_type(dtype))


def _maker(graph: MutableGraph, name: str, op_type: str) -> Any | None:
    """The node that makes a value, if it is of this operator and has no blocks."""
    node = graph.producer(name)
    if node is None or node.op_type != op_type or not is_standard(node) or integer(node, "block_size", 0):
        return None
    return node


def _steps(graph: MutableGraph, node: Any, array: Any) -> tuple[Any, Any, int] | None:
    """Scale, zero point and axis by which a node takes an array, if they are constant and fit it."""
    scale, zero = graph.constant(node.input[1]), _zero(graph, node)
    if scale is None or zero is None or scale.ndim > 1:
        return None
    axis = integer(node, "axis", 1) % max(array.ndim, 1)
    fits = scale.size <= 1 or (array.ndim and array.shape[axis] == scale.size)
    return (scale, zero, axis) if fits else None


def _zero(graph: MutableGraph, node: Any) -> Any | None:
    import numpy

    if len(node.input) < 3 or not node.input[2]:
        return numpy.zeros(1, numpy.int64)
    zero = graph.constant(node.input[2])
    return None if zero is None or zero.dtype.kind not in "iu" else zero.astype(numpy.int64)


def _numbers(graph: MutableGraph, name: str) -> Any | None:
    """Whole numbers of 8 or 32 bits, stored, or made of a constant by QuantizeLinear."""
    import numpy

    if graph.tensor(name).dtype not in (*EIGHT_BITS, "INT32"):
        return None
    found = graph.constant(name)
    if found is not None:
        return found.astype(numpy.int64)
    node = _maker(graph, name, "QuantizeLinear")
    data = None if node is None else graph.constant(node.input[0])
    if data is None or data.dtype != numpy.float32 or (taken := _steps(graph, node, data)) is None:
        return None
    scale, zero, axis = taken
    ends = numpy.iinfo(numpy_type(graph.tensor(name).dtype or ""))
    steps = numpy.rint(data / _along(scale, axis, data.ndim)).astype(numpy.float64) + _along(zero, axis, data.ndim)
    return numpy.clip(steps, ends.min, ends.max).astype(numpy.int64) if bool(numpy.isfinite(steps).all()) else None


def _along(array: Any, axis: int, rank: int) -> Any:
    """A vector as it stretches along an axis of a tensor."""
    return array.reshape([-1 if at == axis and array.size > 1 else 1 for at in range(rank)])


def still_quantised(graph: MutableGraph, candidates: Iterable[Candidate], held: Stored | None) -> Iterator[Candidate]:
    """Candidates whose convolutions read their weights in the way that those which they replace are stored.

    Weights that are no longer whole numbers of 8 bits in these scales, as those that pick elements, stay as they are.
    """
    for candidate in candidates:
        given = candidate.replacement
        new = given if held is None else _quantised(graph, given, held)
        yield candidate if new is given else replace(candidate, replacement=new)


def _quantised(graph: MutableGraph, given: Replacement, held: Stored) -> Replacement:
    import numpy

    node_proto = messages().NodeProto
    nodes, constants = [], dict(given.constants)
    made: dict[str, str] = {}
    for node in given.nodes:
        name = node.input[1] if node.op_type == "Conv" else ""
        if name in given.constants and name not in made:
            found = _in_scale(given.constants[name], held)
            if found is not None:
                numbers, scale = found
                steps = graph.fresh(f"{name}/quantised"), graph.fresh(f"{name}/scale"), graph.fresh(f"{name}/zero")
                constants.update(zip(steps, (numbers, scale, numpy.zeros(scale.shape, numbers.dtype)), strict=True))
                made[name] = graph.fresh(f"{name}/weights")
                reader = node_proto(op_type="DequantizeLinear", input=steps, output=[made[name]], name=made[name])
                if scale.ndim:
                    reader.attribute.add(name="axis", type=2, i=0)
                nodes.append(reader)
        if name in made:
            copy = node_proto()
            copy.CopyFrom(node)
            copy.input[1] = made[name]
            node = copy
        nodes.append(node)
    read = {name for node in nodes for name in node.input}
    kept = {name: array for name, array in constants.items() if name in read}
    return replace(given, nodes=tuple(nodes), constants=kept) if made else given


def _in_scale(weights: Any, held: Stored) -> tuple[Any, Any] | None:
    """Numbers of 8 bits and their scales along the first axis, if their products are these weights to the last bit."""
    import numpy

    outs, count = len(weights), held.scale.size
    if count == 1:
        scales = [held.scale.reshape(())]
    elif outs % count:
        return None
    else:  # a channel may have become several in a row, and a group of channels may come again
        times = outs // count
        runs = [run for run in range(times, 0, -1) if times % run == 0]
        scales = [numpy.tile(numpy.repeat(held.scale, run), times // run) for run in runs]
    for scale in scales:
        wide = scale.reshape(-1, 1, 1, 1) if scale.ndim else scale
        numbers = numpy.rint(weights.astype(numpy.float64) / wide)
        if not 1 < numpy.abs(numbers).max(initial=0) <= 128 or 128 in numbers:  # zeros and ones pick elements
            continue
        again = (numbers.astype(held.kind) * wide).astype(held.kind)
        if numpy.array_equal(again, weights):
            return numbers.astype(numpy.int8), scale
    return None
