"""Operators that are fixed linear maps of one operand, as maps along axes.

Means, running sums and sums at fixed places follow the ONNX definitions. What interpolates is asked: the column of a
linear map that belongs to an element is what the operator makes of that element alone.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any, NamedTuple

from safecheck.ir.protos import numpy_type, standalone, value_info
from safecheck.ir.signature import Tensor
from safecheck.ir.walk import is_standard
from safecheck.rewrite.algebra.axis_map import MAX_ENTRIES, AxisMap
from safecheck.rewrite.algebra.rounding import FLOATS, unit
from safecheck.rewrite.algebra.sums_at import sums_at
from safecheck.rewrite.algebra.windows import counts_padding, mean_matrix, windows
from safecheck.rewrite.attributes import integer, text
from safecheck.rewrite.graph import MutableGraph
from safecheck.rewrite.proof.runtime import RunError, Session


class Linear(NamedTuple):
    """result = maps of data + addend."""

    data: str
    maps: tuple[AxisMap, ...]
    addend: str = ""
    """Another operand of the shape of the result that is added as it is; empty for none."""
    turned: bool = False
    """Whether the last two axes of the data and of the result are exchanged around the maps."""


def linear(graph: MutableGraph, node: Any) -> Linear | None:
    """The linear map that a node is; None if it is none, or none that is known here."""
    reader = _READERS.get(node.op_type) if is_standard(node) else None
    if reader is None or graph.tensor(node.output[0]).dtype not in FLOATS or any(node.output[1:]):
        return None
    shapes = [graph.dims(name) for name in (*node.input, node.output[0]) if name]
    known = all(dims is not None for dims in shapes) and shapes[0] and prod(shapes[0]) and prod(shapes[-1] or ())
    return reader(graph, node) if known else None


def _mean(graph: MutableGraph, node: Any) -> Linear | None:
    """AveragePool, whatever its padding and rounding."""
    found = windows(graph, node)
    if found is None:
        return None
    matrices = [mean_matrix(axis, counts_padding(node)) for axis in found]
    if any(matrix is None for matrix in matrices):
        return None
    return Linear(
        node.input[0],
        tuple(AxisMap(at + 2, 1, (len(matrix),), matrix) for at, matrix in enumerate(matrices) if matrix is not None),
    )


def _running_sum(graph: MutableGraph, node: Any) -> Linear | None:
    """CumSum along a constant axis."""
    import numpy

    dims, axis = graph.dims(node.input[0]) or (), graph.constant(node.input[1])
    if axis is None or axis.size != 1 or dims[at := int(axis.reshape(-1)[0]) % len(dims)] ** 2 > MAX_ENTRIES:
        return None
    matrix = numpy.tri(dims[at], k=-1 if integer(node, "exclusive", 0) else 0)
    reverse = bool(integer(node, "reverse", 0))
    return Linear(node.input[0], (AxisMap(at, 1, (dims[at],), matrix.T if reverse else matrix),))


def _resize(graph: MutableGraph, node: Any) -> Linear | None:
    """Resize and Upsample: every axis on its own, with coefficients that sum to one."""
    import numpy

    dims, made = graph.dims(node.input[0]) or (), graph.dims(node.output[0]) or ()
    computed = any(name and graph.constant(name) is None for name in node.input[1:])
    crops = text(node, "coordinate_transformation_mode", "half_pixel") == "tf_crop_and_resize"
    free = next((axis for axis in range(len(dims)) if axis >= 2 or dims[axis] != made[axis]), 0)
    axes = range(free, len(dims))
    if computed or crops or not free or any(dims[axis] * made[axis] > MAX_ENTRIES for axis in axes):
        return None
    slack = 16 * unit(graph.tensor(node.input[0]).dtype or "")
    maps = []
    for axis in axes:
        matrix = _asked(graph, node, (axis,), free)
        if matrix is None or bool((numpy.abs(matrix.sum(1) - 1) > slack).any()):
            return None
        if not numpy.array_equal(matrix, numpy.eye(dims[axis])):
            maps.append(AxisMap(axis, 1, (made[axis],), matrix))
    return Linear(node.input[0], tuple(maps)) if maps else None


def _sample(graph: MutableGraph, node: Any) -> Linear | None:
    """GridSample with a constant grid that is the same for the whole batch."""
    import numpy

    dims, made, grid = graph.dims(node.input[0]) or (), graph.dims(node.output[0]) or (), graph.constant(node.input[1])
    if grid is None or len(dims) != 4 or not bool((grid == grid[:1]).all()) or not bool(numpy.isfinite(grid).all()):
        return None
    if prod(dims[2:]) * prod(made[2:]) > MAX_ENTRIES:
        return None
    matrix = _asked(graph, node, (2, 3), 2)
    return None if matrix is None else Linear(node.input[0], (AxisMap(2, 2, made[2:], matrix),))


def _asked(graph: MutableGraph, node: Any, axes: tuple[int, ...], free: int) -> Any | None:
    """The matrix along some axes, from what the operator makes of unit vectors.

    The first `free` axes are left alone by the operator, so several vectors are asked about at once. Along the others
    the vectors are constant, so the coefficients there have to sum to one. None if the operator cannot be run, or
    makes something of zeros.
    """
    import numpy

    name, dims, made = node.input[0], graph.dims(node.input[0]) or (), graph.dims(node.output[0]) or ()
    tensor = graph.tensor(name)
    kind = numpy_type(tensor.dtype or "")
    lanes, size, results = prod(dims[:free]), prod(dims[at] for at in axes), prod(made[at] for at in axes)
    model = standalone(
        [node.proto], [value_info(name, tensor)], [value_info(node.output[0], Tensor(tensor.dtype, None))],
        [graph.initializers[other] for other in node.input[1:] if other], graph.proto.opset_import,
        graph.proto.ir_version,
    )  # fmt: skip
    thin = (*dims[:free], *(dims[at] if at in axes else 1 for at in range(free, len(dims))))
    first_of = tuple(slice(None) if at < free or at in axes else slice(0, 1) for at in range(len(made)))
    matrix = numpy.zeros((results, size))
    try:
        session = Session(model.SerializeToString(), folder=graph.shelf.folder)
        zero = session.run({name: numpy.zeros(dims, kind)})[0]
        if zero.shape != made:
            return None  # a size between two whole numbers, which runtimes round in their own ways
        for first in range(0, size, lanes):
            count = min(lanes, size - first)
            vectors = numpy.zeros((lanes, size), kind)
            vectors[numpy.arange(count), first + numpy.arange(count)] = 1
            got = session.run({name: numpy.array(numpy.broadcast_to(vectors.reshape(thin), dims))})[0]
            matrix[:, first : first + count] = got[first_of].reshape(lanes, results)[:count].T
    except RunError:
        return None
    return None if bool(zero.any()) or not bool(numpy.isfinite(matrix).all()) else matrix


def _scatter(graph: MutableGraph, node: Any) -> Linear | None:
    """ScatterElements and ScatterND that add updates at constant places, several of them at one place if need be."""
    import numpy

    base, indices, updates = node.input
    dims, chosen, made = graph.dims(updates) or (), graph.constant(indices), graph.dims(base) or ()
    if chosen is None or text(node, "reduction", "none") != "add" or graph.constant(updates) is not None or not dims:
        return None
    numbers = numpy.arange(prod(made)).reshape(made)
    if node.op_type == "ScatterND":
        targets = numbers[tuple(numpy.moveaxis(chosen, -1, 0))]
    else:
        axis = integer(node, "axis", 0) % len(made)
        places = list(numpy.indices(chosen.shape))
        places[axis] = chosen % made[axis]
        targets = numbers[tuple(places)]
    stored = graph.constant(base)
    map_ = sums_at(targets, made)
    return None if map_ is None else Linear(updates, (map_,), "" if stored is not None and not stored.any() else base)


def _batched(graph: MutableGraph, node: Any) -> Linear | None:
    """MatMul with another constant matrix for every batch: one matrix with blocks, batch and row being one axis."""
    import numpy

    position = next((at for at, name in enumerate(node.input) if graph.constant(name) is None), 0)
    data, turned, weights = node.input[position], position == 0, graph.constant(node.input[1 - position])
    if weights is None:
        return None
    weights = weights.swapaxes(-1, -2) if turned and weights.ndim > 1 else weights
    dims, made = graph.dims(data) or (), graph.dims(node.output[0]) or ()
    if weights.ndim < 3 or len(dims) != len(made) or dims[:-2] != made[:-2]:
        return None
    outs, ins = weights.shape[-2:]
    wide = numpy.broadcast_to(weights, (*dims[:-2], outs, ins))
    lead = next(at for at in range(len(dims) - 1) if not _same_along(wide, at))
    batch = dims[lead:-2]
    blocks, count = wide[(0,) * lead].reshape(-1, outs, ins), prod(batch)
    if count * outs * count * ins > MAX_ENTRIES:
        return None
    matrix = numpy.zeros((count, outs, count, ins))
    matrix[numpy.arange(count), :, numpy.arange(count)] = blocks
    map_ = AxisMap(lead, len(batch) + 1, (*batch, outs), matrix.reshape(count * outs, count * ins))
    return Linear(data, (map_,), turned=turned)


def _same_along(weights: Any, axis: int) -> bool:
    """Whether all matrices along a batch axis are the same; never true of the axes of the matrices."""
    return axis < weights.ndim - 2 and bool((weights == weights.take([0], axis)).all())


_READERS: dict[str, Callable[[MutableGraph, Any], Linear | None]] = {
    "AveragePool": _mean,
    "CumSum": _running_sum,
    "GridSample": _sample,
    "MatMul": _batched,
    "Resize": _resize,
    "ScatterElements": _scatter,
    "ScatterND": _scatter,
    "Upsample": _resize,
}
