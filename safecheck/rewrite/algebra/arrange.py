"""Bring a value into another arrangement, and a new value back, without undoing what moving nodes nearby have done.

An arrangement is an index map: for every place of the result, the element of the value that it holds. Moving nodes
before a value (or behind it) are composed with the map first, so that a Transpose to NHWC and the one back vanish.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from safecheck.rewrite.builder import Builder
from safecheck.rewrite.graph import MutableGraph
from safecheck.rewrite.movement.factor import Factored, FactorError, stages
from safecheck.rewrite.movement.operators import MAX_ELEMENTS, data_slots, move
from safecheck.rewrite.movement.program import Style, Writer

_TAIL = Style("copy", "tail")
_MAX_STEPS = 16
_ARRANGING = (
    "DepthToSpace", "Flatten", "Identity", "Reshape", "SpaceToDepth", "Squeeze", "Transpose", "Unsqueeze",
)  # fmt: skip


def enumerated(dims: Sequence[int]) -> Any:
    """Element numbers of a value in its own arrangement."""
    import numpy

    return numpy.arange(numpy.prod(dims, dtype=numpy.int64), dtype=numpy.int64).reshape(tuple(dims))


def fits(dims: Sequence[int]) -> bool:
    """Whether a value is small enough to be enumerated."""
    import numpy

    return 0 < int(numpy.prod(dims, dtype=numpy.int64)) <= MAX_ELEMENTS


def pull(builder: Builder, name: str, wanted: Any) -> tuple[str, str, Any]:
    """Write nodes that arrange a value as wanted, starting as far back as only whole axes have to move.

    Where nothing has to move, the last two of four dimensions may come out split another way than wanted.

    Returns:
        The value it starts from, the arranged value, and the index map from the one to the other.
    """
    graph = builder.graph
    for source, map_ in reversed(list(_backwards(graph, name, wanted))):
        program = _whole_axes(map_)
        if program is not None:
            dims = graph.dims(source) or ()
            if len(dims) == 4 and dims[:2] == map_.shape[:2] and bool((map_.reshape(dims) == enumerated(dims)).all()):
                return source, source, enumerated(dims)
            return source, _written(builder, source, program, dims, map_.shape), map_
    raise FactorError("the arrangement does not move whole axes")


def pull_as(builder: Builder, name: str, wanted: Any) -> tuple[str, str, Any]:
    """Like `pull`, with exactly the dimensions that are wanted."""
    source, value, map_ = pull(builder, name, wanted)
    if map_.shape != wanted.shape:
        value = builder.reshape(value, wanted.shape)
    return source, value, map_.reshape(wanted.shape)


def push(builder: Builder, made: str, name: str, places: Any, dims: Sequence[int]) -> tuple[str, str, Any]:
    """Write nodes that bring a new value of dimensions `dims` into the place of `name`, or of what only moves it.

    `places` has the shape of `name` and tells which element of the new value belongs where.

    Returns:
        The existing value that is made, the new value, and the index map of that existing value.
    """
    for target, map_ in reversed(list(_forwards(builder.graph, name, places))):
        program = _whole_axes(map_)
        if program is not None:
            return target, _written(builder, made, program, dims, map_.shape), map_
    raise FactorError("the arrangement does not move whole axes")


def _whole_axes(map_: Any) -> tuple[Factored, ...] | None:
    """The map as a program that moves whole axes only, if it is one."""
    try:
        program = stages(map_, map_.size)
    except FactorError:
        return None
    whole = all(axis.index is None for part in program for axis in part.axes)
    return program if whole and not any(part.repeats for part in program) else None


def _written(
    builder: Builder, value: str, program: tuple[Factored, ...], dims: Sequence[int], result: Sequence[int]
) -> str:
    return Writer(builder, value, dims, builder.graph.tensor(value).dtype or "", _TAIL).write(program, result)


def _backwards(graph: MutableGraph, name: str, wanted: Any) -> Iterator[tuple[str, Any]]:
    """(earlier value, map from it), the value itself first."""
    map_ = wanted
    yield name, map_
    for _ in range(_MAX_STEPS):
        maker = graph.producer(name)
        if maker is None or not _moves_all(graph, maker):
            return
        name = maker.input[0]
        map_ = move(graph, maker, [enumerated(graph.dims(name) or ())])[0].reshape(-1)[map_]
        yield name, map_


def _forwards(graph: MutableGraph, name: str, places: Any) -> Iterator[tuple[str, Any]]:
    """(later value, map to it), the value itself first; later ones only if nobody else reads what lies between."""
    map_ = places
    yield name, map_
    for _ in range(_MAX_STEPS):
        readers = graph.consumers(name)
        if graph.is_output(name) or len(readers) != 1 or not _moves_all(graph, readers[0]):
            return
        map_ = move(graph, readers[0], [map_])[0]
        name = readers[0].output[0]
        yield name, map_


def _moves_all(graph: MutableGraph, node: Any) -> bool:
    """Whether the result of a node is its first operand in another arrangement, every element once."""
    return node.op_type in _ARRANGING and data_slots(graph, node) == (0,)
