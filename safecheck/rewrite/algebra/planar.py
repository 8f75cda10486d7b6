"""Maps with one or three spatial axes seen with two: [N, C, L] as [N, C, 1, L], [N, C, D, H, W] as [N, C D, H, W].

Both are views of the same elements in the same order. A window over depth becomes a choice of channels.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from safecheck.ir.walk import is_standard
from safecheck.rewrite.algebra.lifting import BROADCAST, SAME
from safecheck.rewrite.algebra.plane import VIEWS, before_reshapes
from safecheck.rewrite.attributes import integer, integers, operand, text
from safecheck.rewrite.builder import Builder
from safecheck.rewrite.graph import MutableGraph

RANKS = (3, 5)
_MAX_WEIGHTS = 1 << 24
_WINDOWS = ("kernel_shape", "strides", "dilations", "output_padding")


def folded(dims: Sequence[int]) -> tuple[int, ...]:
    """The four dimensions of a map with one or three spatial axes."""
    if len(dims) == 3:
        return (*dims[:2], 1, dims[2])
    return (dims[0], dims[1] * dims[2], *dims[3:])


class Planar:
    """Writes nodes on maps with two spatial axes."""

    def __init__(self, graph: MutableGraph, hint: str, rank: int) -> None:
        self.graph = graph
        self.builder = Builder(graph, hint)
        self.rank = rank
        self.sources: list[str] = []
        """Existing values that are read."""
        self._made: dict[str, str] = {}

    def stored(self, name: str) -> Any:
        """The elements of a constant."""
        return self.graph.constant(name)

    def value(self, name: str) -> str:
        """A value on two spatial axes; what comes from outside is reshaped once, as it was before it was reshaped."""
        if name not in self._made:
            dims = self.graph.dims(name) or ()
            source = before_reshapes(self.graph, name)
            self.sources.append(source)
            self._made[name] = self._seen(source, folded((1,) * (self.rank - len(dims)) + dims))
        return self._made[name]

    def _seen(self, value: str, dims: Sequence[int]) -> str:
        return value if self.graph.dims(value) == tuple(dims) else self.builder.reshape(value, dims)

    def operand(self, name: str, dims: Sequence[int]) -> str:
        """An operand of an elementwise operator whose result has dimensions `dims`."""
        array = self.graph.constant(name)
        if array is None:
            return self.value(name)
        if array.size == 1:
            return name
        import numpy

        shape = (1,) * (self.rank - array.ndim) + array.shape
        if self.rank == 5:  # channels and depth are one axis, so that either both vary or none
            thin = shape[1] == shape[2] == 1
            wide = shape if thin else (shape[0], dims[1], dims[2], *shape[3:])
            return self.builder.constant(numpy.broadcast_to(array.reshape(shape), wide).reshape(folded(wide)))
        return self.builder.constant(array.reshape(folded(shape)))

    def settle(self, name: str, value: str) -> None:
        """Say which new value stands for an old one."""
        self._made[name] = value

    def _view_behind(self, name: str) -> str | None:
        """What a value is reshaped to, if that has four dimensions and nothing else reads the value."""
        readers = self.graph.consumers(name)
        if len(readers) != 1 or self.graph.is_output(name) or readers[0].op_type not in VIEWS:
            return None
        made = readers[0].output[0]
        return made if len(self.graph.dims(made) or ()) == 4 and made not in self.sources else None

    def results(self, names: Sequence[str]) -> dict[str, str]:
        """Old values with the dimensions that they have outside, or what they are reshaped to there."""
        found = {}
        for name in names:
            end = self._view_behind(name) or name
            wanted = self.graph.dims(end) or ()
            same = folded(self.graph.dims(name) or ()) == wanted
            found[end] = self._made[name] if same else self.builder.reshape(self._made[name], wanted)
        return found


def can_fold(graph: MutableGraph, node: Any, rank: int) -> bool:
    """Whether a node works on maps of this rank and may as well work on two spatial axes."""
    if not is_standard(node) or node.op_type not in _WRITERS or len([name for name in node.output if name]) != 1:
        return False
    dims = [graph.dims(name) for name in (*node.input, node.output[0]) if name]
    if any(shape is None or 0 in shape for shape in dims) or len(dims[-1] or ()) != rank:
        return False
    return _CHECKS[node.op_type](graph, node, rank)


def write(planar: Planar, node: Any) -> None:
    """Write the node on two spatial axes."""
    planar.settle(node.output[0], _WRITERS[node.op_type](planar, node))


def _same(planar: Planar, node: Any) -> str:
    return planar.builder.again(node, [planar.value(node.input[0]), *node.input[1:]])[0]


def _broadcast(planar: Planar, node: Any) -> str:
    dims = planar.graph.dims(node.output[0]) or ()
    return planar.builder.again(node, [planar.operand(name, dims) for name in node.input])[0]


def _windowed(planar: Planar, node: Any) -> str:
    """A window of one element along the new axis."""
    import numpy

    changed: dict[str, Any] = {
        name: [0 if name == "output_padding" else 1, *given]
        for name in _WINDOWS
        if (given := integers(node, name)) is not None
    }
    if (pads := integers(node, "pads")) is not None:
        changed["pads"] = [0, pads[0], 0, pads[1]]
    inputs = [planar.value(node.input[0])]
    if len(node.input) > 1:
        inputs.append(planar.builder.constant(numpy.expand_dims(planar.stored(node.input[1]), 2)))
    return planar.builder.again(node, [*inputs, *node.input[2:]], **changed)[0]


def _convolution(planar: Planar, node: Any) -> str:
    """A Conv; the windows over depth become blocks of a matrix between the depths of the data and of the result."""
    if planar.rank == 3:
        return _windowed(planar, node)
    import numpy

    name, graph = node.input[0], planar.graph
    weights = planar.stored(node.input[1])
    depth, deep = (graph.dims(name) or ())[2], (graph.dims(node.output[0]) or ())[2]
    strides, dilations = (integers(node, key) or (1,) * 3 for key in ("strides", "dilations"))
    pads = integers(node, "pads") or (0,) * 6
    outs, ins, taps = weights.shape[:3]
    banded = numpy.zeros((outs, deep, ins, depth, *weights.shape[3:]), weights.dtype)
    for place in range(deep):
        for tap in range(taps):
            at = place * strides[0] - pads[0] + tap * dilations[0]
            if 0 <= at < depth:
                banded[:, place, :, at] = weights[:, :, tap]
    flat = banded.reshape(outs * deep, ins * depth, *weights.shape[3:])
    inputs = [planar.value(name), planar.builder.constant(flat)]
    if len(node.input) > 2 and node.input[2]:
        inputs.append(planar.builder.constant(numpy.repeat(planar.stored(node.input[2]), deep)))
    return planar.builder.again(
        node, inputs, kernel_shape=list(weights.shape[3:]), strides=strides[1:], dilations=dilations[1:],
        pads=[*pads[1:3], *pads[4:]], auto_pad=None,
    )[0]  # fmt: skip


def _per_channel(planar: Planar, node: Any) -> str:
    """Parameters per channel, for every depth the same."""
    import numpy

    depth = (planar.graph.dims(node.input[0]) or ())[2] if planar.rank == 5 else 1
    given = [numpy.repeat(planar.stored(name), depth) for name in node.input[1:]]
    return planar.builder.again(node, [planar.value(node.input[0]), *map(planar.builder.constant, given)])[0]


def _concat(planar: Planar, node: Any) -> str:
    axis = integer(node, "axis", 1) % planar.rank
    dims = planar.graph.dims(node.output[0]) or ()
    values = [planar.operand(name, dims) for name in node.input]
    return planar.builder.again(node, values, axis=3 if axis == 2 else axis)[0]


def _slice(planar: Planar, node: Any) -> str:
    import numpy

    axes = operand(planar.graph, node, 3) or tuple(range(len(operand(planar.graph, node, 1) or ())))
    moved = numpy.array([3 if axis % 3 == 2 else axis % 3 for axis in axes], numpy.int64)
    inputs = [planar.value(node.input[0]), *node.input[1:3], planar.builder.constant(moved), *node.input[4:]]
    return planar.builder.again(node, inputs)[0]


def _pad(planar: Planar, node: Any) -> str:
    import numpy

    pads = operand(planar.graph, node, 1) or ()
    wide = numpy.array([*pads[:2], 0, pads[2], *pads[3:5], 0, pads[5]], numpy.int64)
    return planar.builder.again(node, [planar.value(node.input[0]), planar.builder.constant(wide), *node.input[2:3]])[0]


def _constants_only(graph: MutableGraph, node: Any, rank: int) -> bool:
    """One map, and constants."""
    known = all(graph.constant(name) is not None for name in node.input[1:] if name)
    return known and len(graph.dims(node.input[0]) or ()) == rank and graph.constant(node.input[0]) is None


def _convolves(graph: MutableGraph, node: Any, rank: int) -> bool:
    if not _constants_only(graph, node, rank) or (rank == 3 and integers(node, "output_shape") is not None):
        return False
    if rank == 3:
        return True
    dims, made = graph.dims(node.input[0]) or (), graph.dims(node.output[0]) or ()
    size = graph.constant(node.input[1]).size * dims[2] * made[2]  # type: ignore[union-attr]
    plain = integer(node, "group", 1) == 1 and text(node, "auto_pad", "NOTSET") in ("NOTSET", "VALID")
    return node.op_type == "Conv" and plain and size <= _MAX_WEIGHTS


def _on_lines(graph: MutableGraph, node: Any, rank: int) -> bool:
    return rank == 3 and _constants_only(graph, node, rank)


def _all_thin(graph: MutableGraph, node: Any, rank: int) -> bool:
    """Operands that are computed have the rank of the result, or fewer dimensions in front of one spatial axis."""
    shapes = [graph.dims(name) or () for name in node.input if graph.constant(name) is None]
    return all(len(dims) == rank or (rank == 3 and len(dims) < 3) for dims in shapes) and not (
        rank == 5 and any(dims[1:3] != (graph.dims(node.output[0]) or ())[1:3] for dims in shapes)
    )


def _joins(graph: MutableGraph, node: Any, rank: int) -> bool:
    """Along channels, or along any axis of one line."""
    axis = integer(node, "axis", 1) % rank
    computed = all(graph.constant(name) is None for name in node.input)
    return computed and (rank == 3 or axis == 1)


_WRITERS: dict[str, Callable[[Planar, Any], str]] = {
    **dict.fromkeys(SAME, _same),
    **dict.fromkeys(BROADCAST, _broadcast),
    "AveragePool": _windowed,
    "BatchNormalization": _per_channel,
    "Concat": _concat,
    "Conv": _convolution,
    "ConvTranspose": _windowed,
    "GlobalAveragePool": _same,
    "GlobalMaxPool": _same,
    "InstanceNormalization": _same,
    "MaxPool": _windowed,
    "Pad": _pad,
    "Slice": _slice,
}
_CHECKS: dict[str, Callable[[MutableGraph, Any, int], bool]] = {
    **dict.fromkeys(SAME, _constants_only),
    **dict.fromkeys(BROADCAST, _all_thin),
    "AveragePool": _on_lines,
    "BatchNormalization": _constants_only,
    "Concat": _joins,
    "Conv": _convolves,
    "ConvTranspose": lambda graph, node, rank: rank == 3 and _convolves(graph, node, rank),
    "GlobalAveragePool": _on_lines,
    "GlobalMaxPool": _on_lines,
    "InstanceNormalization": _on_lines,
    "MaxPool": _on_lines,
    "Pad": lambda graph, node, rank: len(node.input) in (2, 3) and _on_lines(graph, node, rank),
    "Slice": lambda graph, node, rank: len(node.input) > 2 and _on_lines(graph, node, rank),
}
