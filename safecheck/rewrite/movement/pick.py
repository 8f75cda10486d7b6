"""Operators that take some elements, or put them among others."""

from __future__ import annotations

from typing import Any

from safecheck.rewrite.attributes import integer, integers, operand, text
from safecheck.rewrite.graph import MutableGraph
from safecheck.rewrite.movement.numbers import OTHER, ZERO, Numbers


def slice_(graph: MutableGraph, node: Any, data: list[Numbers]) -> list[Numbers]:
    """Slice, with operands or (below opset 10) attributes."""
    import numpy

    result = data[0]
    if len(node.input) > 1:
        starts, ends = operand(graph, node, 1) or (), operand(graph, node, 2) or ()
        axes = operand(graph, node, 3) or tuple(range(len(starts)))
        steps = operand(graph, node, 4) or (1,) * len(starts)
    else:
        starts, ends = integers(node, "starts") or (), integers(node, "ends") or ()
        axes, steps = integers(node, "axes") or tuple(range(len(starts))), (1,) * len(starts)
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        size = result.shape[axis]
        low, high = (0, size) if step > 0 else (-1, size - 1)
        first = min(max(start + size if start < 0 else start, 0), size if step > 0 else size - 1)
        last = min(max(end + size if end < 0 else end, low), high)
        result = numpy.take(result, numpy.arange(first, last, step), axis)
    return [result]


def split(graph: MutableGraph, node: Any, data: list[Numbers]) -> list[Numbers]:
    """Split into the sizes that the outputs have."""
    import numpy

    axis = integer(node, "axis", 0)
    sizes = [(graph.dims(name) or ())[axis] for name in node.output]
    return list(numpy.split(data[0], numpy.cumsum(sizes)[:-1], axis))


def concat(graph: MutableGraph, node: Any, data: list[Numbers]) -> list[Numbers]:
    """Concat."""
    import numpy

    return [numpy.concatenate(data, integer(node, "axis", 1))]


def gather(graph: MutableGraph, node: Any, data: list[Numbers]) -> list[Numbers]:
    """Gather."""
    import numpy

    axis, indices = integer(node, "axis", 0), graph.constant(node.input[1])
    assert indices is not None
    return [numpy.take(data[0], indices % data[0].shape[axis], axis)]


def gather_elements(graph: MutableGraph, node: Any, data: list[Numbers]) -> list[Numbers]:
    """GatherElements."""
    import numpy

    axis, indices = integer(node, "axis", 0), graph.constant(node.input[1])
    assert indices is not None
    return [numpy.take_along_axis(_cut(data[0], indices.shape, axis), indices % data[0].shape[axis], axis)]


def _cut(array: Numbers, shape: tuple[int, ...], axis: int) -> Numbers:
    axis %= array.ndim
    return array[tuple(slice(None) if at == axis else slice(size) for at, size in enumerate(shape))]


def gather_nd(graph: MutableGraph, node: Any, data: list[Numbers]) -> list[Numbers]:
    """GatherND."""
    import numpy

    batch, indices, source = integer(node, "batch_dims", 0), graph.constant(node.input[1]), data[0]
    assert indices is not None
    lead = source.shape[:batch]
    flat = source.reshape(-1, *source.shape[batch:])
    picks = indices.reshape(-1, *indices.shape[batch:])
    rows = [each[tuple(numpy.moveaxis(pick, -1, 0))] for each, pick in zip(flat, picks, strict=True)]
    return [numpy.stack(rows).reshape(*lead, *rows[0].shape)]


def scatter_elements(graph: MutableGraph, node: Any, data: list[Numbers]) -> list[Numbers]:
    """ScatterElements and Scatter."""
    import numpy

    axis, indices = integer(node, "axis", 0), graph.constant(node.input[1])
    assert indices is not None
    places = list(numpy.indices(indices.shape))
    places[axis] = indices % data[0].shape[axis]
    return [_put(node, data[0], tuple(places), data[1])]


def _put(node: Any, base: Numbers, places: tuple[Any, ...], updates: Numbers) -> Numbers:
    """Updates in their places. Added to something, or twice to one place, they are no longer elements."""
    import numpy

    result = base.copy()
    result[places] = updates
    if text(node, "reduction", "none") == "add":
        result[places] = numpy.where(base[places] == ZERO, updates, OTHER)
        times = numpy.zeros(base.shape, numpy.int64)
        numpy.add.at(times, places, 1)
        result[times > 1] = OTHER
    return result


def scatter_nd(graph: MutableGraph, node: Any, data: list[Numbers]) -> list[Numbers]:
    """ScatterND."""
    import numpy

    indices = graph.constant(node.input[1])
    assert indices is not None
    return [_put(node, data[0], tuple(numpy.moveaxis(indices, -1, 0)), data[1])]


def where(graph: MutableGraph, node: Any, data: list[Numbers]) -> list[Numbers]:
    """Where with a constant condition."""
    import numpy

    condition: Any = graph.constant(node.input[0])
    return [numpy.where(condition, data[0], data[1])]
