"""MaxPool by Relu: the larger of two is a + max(b - a, 0), neighbours are picked by convolutions with a single one.

The window is a maximum of maxima: along one axis after the other, and there of windows twice as long at every step, as
far as kernels of 7 reach. An axis whose steps are longer, or dilated more, becomes the channels of 1x1 convolutions,
which reach everywhere. Padding counts as minus infinity: the elements at the border do as well; zeros do where no
element is negative, and a constant makes elements so that are known to have a lower bound.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence
from typing import Any

from safecheck.ir.protos import numpy_type
from safecheck.rewrite.algebra import arrange
from safecheck.rewrite.algebra.axis_map import MAX_ENTRIES, axis_as_channels, multiply
from safecheck.rewrite.algebra.larger import larger
from safecheck.rewrite.algebra.plane import UNSIGNED_ZERO, Plane, before_reshapes
from safecheck.rewrite.algebra.rounding import FLOATS, LARGEST, maximum
from safecheck.rewrite.algebra.windows import Windows, windows
from safecheck.rewrite.attributes import attribute
from safecheck.rewrite.builder import Builder
from safecheck.rewrite.graph import MutableGraph
from safecheck.rewrite.movement.program import Style, Writer
from safecheck.rewrite.rule import Candidate, Claim, Match
from safecheck.rewrite.rules.dense import evened

_REACH = 6
"""How far apart two elements are at most that one kernel picks."""
_MAX_PADDED = 5
_SILU_FLOOR = -0.2785
"""x sigmoid(x) is at least -0.27846, where x = -1.27846."""
_CAVEATS = (UNSIGNED_ZERO, LARGEST, "NaN and infinities spread over the windows of their map")


class _Floors(dict[str, float]):
    """Numbers that no element of a value is below; they stay with the name of the value."""


class MaxPoolToRelu:
    """MaxPool over windows of any size, dilated or not."""

    name = "max-pool-to-relu"
    remedies: tuple[str, ...] = ()

    def match(self, graph: MutableGraph, node: Any) -> Match | None:
        """Offer convolutions that pick, and the larger of what they pick."""
        if node.op_type != "MaxPool":
            return None
        dims, dtype = graph.dims(node.input[0]), graph.tensor(node.input[0]).dtype
        lie = windows(graph, node)
        if dims is None or lie is None or dtype not in FLOATS:
            return Match((node,), reason="the tensor has no fixed shape, or its type is none that convolutions have")
        if any(node.output[1:]):
            return Match((node,), reason="the places of the maxima are used")
        if not all(axis.elements(place) for axis in lie for place in range(axis.places)):
            return Match((node,), reason="a window sees nothing but padding: its maximum is minus infinity")
        lowest = floor(graph, node.input[0])
        if lowest is not None:
            graph.memo(_Floors)[node.output[0]] = lowest
        ways: list[Container[int]] = [(), range(len(lie))] if len(dims) < 5 else [range(len(lie))]
        candidates = [_in_steps(graph, node, lie, way) for way in ways if _entries(lie, way) <= MAX_ENTRIES]
        padded = any(axis.low or axis.high for axis in lie)
        if lowest is not None and padded and len(dims) == 4 and not any(_overhangs(axis) for axis in lie):
            candidates.insert(0, _above_floor(graph, node, lie, lowest))
        return Match((node,), tuple(candidates), "" if candidates else "its axes are too long to be channels")


def _entries(lie: Sequence[Windows], channels: Container[int]) -> int:
    """How many entries the matrices have that pick elements along axes: those of padding, or two for every step."""
    total = 0
    for at, axis in enumerate(lie):
        one = axis.size * _length(axis)
        if at in channels or axis.dilation > _REACH:
            total += 2 * one * max(1, len(_shifts(axis.window, axis.window)))
        elif axis.low or _length(axis) > axis.size:
            total += one
    return total


def _overhangs(axis: Windows) -> bool:
    """Whether a window reaches beyond the padding, or is so long that zeros would need a padding of their own."""
    return _length(axis) > axis.low + axis.size + axis.high or axis.window > _MAX_PADDED or axis.dilation > 1


def _length(axis: Windows) -> int:
    """How many places lie between the first element of the first window and the last one of the last."""
    return (axis.places - 1) * axis.stride + (axis.window - 1) * axis.dilation + 1


def floor(graph: MutableGraph, name: str) -> float | None:
    """A number that no element of a value is below, if there is one to be seen. It stays with the name."""
    known = graph.memo(_Floors).get(name)
    maker = graph.producer(name)
    if known is not None or maker is None:
        return known
    if maker.op_type in ("Abs", "Relu", "Sigmoid"):
        return 0.0
    if maker.op_type == "Clip":
        given = graph.constant(maker.input[1]) if len(maker.input) > 1 and maker.input[1] else None
        found = attribute(maker, "min")
        return float(given.reshape(-1)[0]) if given is not None else None if found is None else float(found.f)
    if maker.op_type == "Mul":
        for x, gate in (maker.input, reversed(maker.input)):
            sigmoid = graph.producer(gate)
            if sigmoid is not None and sigmoid.op_type == "Sigmoid" and sigmoid.input[0] == x:
                return _SILU_FLOOR
    return None


def _above_floor(graph: MutableGraph, node: Any, lie: list[Windows], lowest: float) -> Candidate:
    """Zeros for padding, after a constant has made all elements that they compete with positive."""
    x, dims, dtype = node.input[0], graph.dims(node.input[0]) or (), graph.tensor(node.input[0]).dtype or ""
    lift = max(0.0, -lowest)
    builder = Builder(graph, node.output[0])
    plane = Plane(builder, dims, dtype)
    value = plane.affine(x, 1.0, lift) if lift else x
    for axis in (1, 0):
        value = _along(plane, value, axis, lie[axis], (lie[axis].low, lie[axis].high))
    value = plane.affine(value, 1.0, -lift) if lift else value
    claim = _claim(x, dims, sum(axis.window - 1 for axis in lie), dtype, lift=lift, floors={x: lowest})
    return _candidate(builder, x, node.output[0], value, claim)


def _in_steps(graph: MutableGraph, node: Any, lie: Sequence[Windows], channels: Container[int]) -> Candidate:
    """The elements at the border for padding; some axes, and those that no kernel reaches along, as channels."""
    dims, dtype = graph.dims(node.input[0]) or (), graph.tensor(node.input[0]).dtype or ""
    source, line = before_reshapes(graph, node.input[0]), len(dims) == 3
    builder = Builder(graph, node.output[0])
    shape, steps = [*dims, 1] if line else [*dims], 0  # a line is a map one element wide
    plane = Plane(builder, shape, dtype)
    writer = Writer(builder, source, graph.dims(source) or (), dtype, Style("copy", "tail"))
    for axis in reversed(range(len(lie))):
        at = lie[axis]
        if axis in channels or at.dilation > _REACH:
            with axis_as_channels(writer, shape, axis + 2) as seen:
                steps += _doubled(writer, seen, at)
            shape[axis + 2] = at.places
            if len(dims) == 4:
                writer.view(shape)
        else:
            if at.low or _length(at) > at.size:
                with axis_as_channels(writer, shape, axis + 2) as seen:
                    multiply(writer, seen, _unpadded(at, plane.dtype))
                shape[axis + 2] = _length(at)
            writer.view(shape)
            writer.value = _along(plane, writer.value, axis, at, (0, 0))
            steps += len(_shifts(at.window, _REACH // at.dilation))
            shape[axis + 2] = at.places
            writer.dims = tuple(shape)
    if len(dims) == 4:
        return _candidate(builder, source, node.output[0], writer.value, _claim(source, dims, steps, dtype))
    places = arrange.enumerated(shape[:3] if line else shape)
    target, value, back = arrange.push(builder, writer.value, node.output[0], places, writer.dims)
    claim = _claim(source, dims, steps, dtype, lambda peaks: (peaks + 0 * places).reshape(-1)[back])
    return _candidate(builder, source, target, value, claim)


def _unpadded(axis: Windows, dtype: Any) -> Any:
    """A matrix (elements, places) that picks what windows see, and in place of padding what they see already.

    The elements of a window are one dilation apart: one that sees padding sees the first or the last of these.
    """
    import numpy

    places = numpy.arange(_length(axis)) - axis.low
    first = places % axis.dilation
    last = first + (axis.size - 1 - first) // axis.dilation * axis.dilation
    seen = numpy.clip(numpy.maximum(numpy.minimum(places, last), first), 0, axis.size - 1)
    return numpy.eye(axis.size, dtype=dtype)[:, seen]


def _doubled(writer: Writer, seen: Sequence[int], axis: Windows) -> int:
    """The maximum along an axis that is the second of four dimensions; returns how many steps it takes."""
    import numpy

    picks = _unpadded(axis, numpy_type(writer.dtype))
    shifts = _shifts(axis.window, axis.window)
    for step, shift in enumerate(shifts, 1):
        apart = shift * axis.dilation
        every = axis.stride if step == len(shifts) else 1
        larger(writer, seen, picks[:, : picks.shape[1] - apart : every], picks[:, apart::every])
        seen = writer.dims
        picks = numpy.eye(seen[1], dtype=picks.dtype)
    if not shifts:
        multiply(writer, seen, picks[:, :: axis.stride])
    return len(shifts)


def _candidate(builder: Builder, source: str, target: str, value: str, claim: Claim) -> Candidate:
    return Candidate(builder.replacement([source], {target: value}), claim)


def _claim(
    source: str, dims: tuple[int, ...], steps: int, dtype: str, back: Callable[[Any], Any] = lambda peaks: peaks,
    lift: float = 0.0, floors: Mapping[str, float] | None = None,
) -> Claim:  # fmt: skip
    """What so many steps promise; `back` brings one number per map into the arrangement of the result."""

    def peak(feed: Mapping[str, Any]) -> Any:
        import numpy

        data = numpy.abs(feed[source].astype(numpy.float64)).reshape(dims)
        return back(data.max(axis=tuple(range(2, data.ndim)), keepdims=True) + lift)

    return maximum(steps, dtype, peak, "of the map", _CAVEATS, floors)


def _shifts(window: int, most: int) -> list[int]:
    """How many taps the elements lie apart whose larger one is taken, step by step, until a window is covered."""
    shifts, covered = [], 1
    while covered < window:
        shifts.append(min(covered, most, window - covered))
        covered += shifts[-1]
    return shifts


def _along(plane: Plane, value: str, axis: int, lie: Windows, pads: tuple[int, int]) -> str:
    """The maximum along one axis, with so many zeros around it; the last step takes every so many windows."""
    import numpy

    channels = plane.dims[1]

    def taps(source: str, numbers: dict[int, float], length: int, pads: tuple[int, int], stride: int) -> str:
        row = numpy.zeros((1, 1, length))
        for at, number in numbers.items():
            row[0, 0, at] = number
        plain, padding = evened(row, pads)
        flat = [1, plain.shape[2]] if axis else [plain.shape[2], 1]
        weights = numpy.repeat(plain.reshape(1, 1, *flat), channels, 0).astype(plane.dtype)
        steps, sides = ([1, stride], [0, padding[0]]) if axis else ([stride, 1], [padding[0], 0])
        given = {"strides": steps if stride > 1 else None, "pads": sides * 2 if padding[0] else None}
        return plane.builder.conv(source, weights, group=channels, **given)

    if any(pads):  # the padding has to lie within the kernel, so the windows are covered by longer and longer ones
        total = taps(value, {0: 1.0}, lie.window, pads, lie.stride)
        for at in range(1, lie.window):
            shifted = taps(value, {at: 1.0}, lie.window, pads, lie.stride)
            gap = plane.add(
                shifted, plane.builder.conv(total, -numpy.ones((channels, 1, 1, 1), plane.dtype), group=channels)
            )
            total = plane.add(total, plane.relu(gap))
        return total
    shifts = _shifts(lie.window, _REACH // lie.dilation)
    for step, shift in enumerate(shifts, 1):
        apart, stride = shift * lie.dilation, lie.stride if step == len(shifts) else 1
        first = taps(value, {0: 1.0}, apart + 1, (0, 0), stride)
        gap = taps(value, {0: -1.0, apart: 1.0}, apart + 1, (0, 0), stride)
        value = plane.add(first, plane.relu(gap))
    return value if shifts or lie.stride == 1 else taps(value, {0: 1.0}, 1, (0, 0), lie.stride)
