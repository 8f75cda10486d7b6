"""MaxPool by Relu: the larger of two is a + max(b - a, 0), neighbours are picked by convolutions with a single one.

The window is a maximum of maxima: along the rows first, then along the columns, and there of windows twice as long at
every step. Padding counts as minus infinity: the elements at the border do as well; zeros do where no element is
negative, and a constant makes elements so that are known to have a lower bound.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from safecheck.rewrite.algebra.axis_map import multiply, turn
from safecheck.rewrite.algebra.plane import UNSIGNED_ZERO, Plane
from safecheck.rewrite.algebra.rounding import FLOATS, LARGEST, maximum
from safecheck.rewrite.algebra.windows import Windows, windows
from safecheck.rewrite.attributes import attribute
from safecheck.rewrite.builder import Builder
from safecheck.rewrite.graph import MutableGraph
from safecheck.rewrite.movement.program import Style, Writer
from safecheck.rewrite.rule import Candidate, Match
from safecheck.rewrite.rules.dense import evened

_MAX_WINDOW = 14
"""Covered in steps whose kernels are no longer than 7."""
_MAX_PADDED = 5
_SILU_FLOOR = -0.2785
"""x sigmoid(x) is at least -0.27846, where x = -1.27846."""
_CAVEATS = (UNSIGNED_ZERO, LARGEST, "NaN and infinities spread over the windows of their map")


class _Floors(dict[str, float]):
    """Numbers that no element of a value is below; they stay with the name of the value."""


class MaxPoolToRelu:
    """MaxPool over windows of up to 14 by 14."""

    name = "max-pool-to-relu"
    remedies: tuple[str, ...] = ()

    def match(self, graph: MutableGraph, node: Any) -> Match | None:
        """Offer convolutions that pick, and the larger of what they pick."""
        if node.op_type != "MaxPool":
            return None
        dims, made, dtype = graph.dims(node.input[0]), graph.dims(node.output[0]), graph.tensor(node.input[0]).dtype
        lie = windows(graph, node)
        if dims is None or made is None or lie is None or len(dims) != 4 or dtype not in FLOATS:
            return Match((node,), reason="the tensor has no fixed shape of four dimensions")
        if any(axis.dilation != 1 for axis in lie):
            return Match((node,), reason="the window is dilated")
        if any(node.output[1:]):
            return Match((node,), reason="the places of the maxima are used")
        if max(axis.window for axis in lie) > _MAX_WINDOW:
            return Match((node,), reason=f"a window above {_MAX_WINDOW} that does not see the whole map is too long")
        lowest = floor(graph, node.input[0])
        if lowest is not None:
            graph.memo(_Floors)[node.output[0]] = lowest
        candidates = [_halved(graph, node, lie)]
        padded = any(axis.low or axis.high for axis in lie)
        if lowest is not None and padded and not any(_overhangs(axis) for axis in lie):
            candidates.insert(0, _above_floor(graph, node, lie, lowest))
        return Match((node,), tuple(candidates))


def _overhangs(axis: Windows) -> bool:
    """Whether a window reaches beyond the padding, or is so long that zeros would need a padding of their own."""
    reaches = (axis.places - 1) * axis.stride + axis.window > axis.low + axis.size + axis.high
    return reaches or axis.window > _MAX_PADDED


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
    lift = max(0.0, -lowest)
    builder = Builder(graph, node.output[0])
    plane = Plane(builder, graph.dims(node.input[0]) or (), graph.tensor(node.input[0]).dtype or "")
    value = plane.affine(node.input[0], 1.0, lift) if lift else node.input[0]
    for axis in (1, 0):
        value = _along(plane, value, axis, lie[axis], (lie[axis].low, lie[axis].high))
    value = plane.affine(value, 1.0, -lift) if lift else value
    steps = sum(axis.window - 1 for axis in lie)
    return _candidate(graph, node, steps, builder, value, lift, {node.input[0]: lowest})


def _halved(graph: MutableGraph, node: Any, lie: list[Windows]) -> Candidate:
    """The elements at the border for padding, which no maximum minds: a window that sees padding sees them too."""
    import numpy

    dims, dtype = graph.dims(node.input[0]) or (), graph.tensor(node.input[0]).dtype or ""
    builder = Builder(graph, node.output[0])
    plane = Plane(builder, dims, dtype)
    writer = Writer(builder, node.input[0], dims, dtype, Style("copy", "tail"))
    for axis in (1, 0):
        at = lie[axis]
        length = (at.places - 1) * at.stride + at.window
        batch, channels, height, width = writer.dims
        if at.low or length > at.size:
            entries = numpy.clip(numpy.arange(length) - at.low, 0, at.size - 1)
            picks = numpy.eye(at.size, dtype=plane.dtype)[:, entries]
            if axis:
                turn(writer, (1, batch * channels, height, width))
                multiply(writer, (batch * channels, width, height, 1), picks)
                turn(writer, (1, batch * channels, length, height))
            else:
                multiply(writer, (batch * channels, height, width, 1), picks)
            writer.view((batch, channels, *((height, length) if axis else (length, width))))
        writer.value = _along(plane, writer.value, axis, at, (0, 0))
        writer.dims = (batch, channels, *((height, at.places) if axis else (at.places, width)))
    steps = sum(len(_shifts(axis.window)) for axis in lie)
    return _candidate(graph, node, steps, builder, writer.value, 0.0, {})


def _candidate(
    graph: MutableGraph, node: Any, steps: int, builder: Builder, value: str, lift: float,
    floors: Mapping[str, float],
) -> Candidate:  # fmt: skip
    x, dtype = node.input[0], graph.tensor(node.input[0]).dtype or ""

    def peak(feed: Mapping[str, Any]) -> Any:
        import numpy

        return numpy.abs(feed[x].astype(numpy.float64)).max(axis=(2, 3), keepdims=True) + lift

    claim = maximum(steps, dtype, peak, "of the map", _CAVEATS, floors)
    return Candidate(builder.replacement([x], {node.output[0]: value}), claim)


def _shifts(window: int) -> list[int]:
    """How far the elements lie apart whose larger one is taken, step by step, until a window is covered."""
    shifts, covered = [], 1
    while covered < window:
        shifts.append(min(covered, window - covered))
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

    def larger(source: str, shift: int, length: int, pads: tuple[int, int], stride: int) -> str:
        first = taps(source, {0: 1.0}, length, pads, stride)
        return plane.add(first, plane.relu(taps(source, {0: -1.0, shift: 1.0}, length, pads, stride)))

    if any(pads):  # the padding has to lie within the kernel, so the windows are covered by longer and longer ones
        total = taps(value, {0: 1.0}, lie.window, pads, lie.stride)
        for at in range(1, lie.window):
            shifted = taps(value, {at: 1.0}, lie.window, pads, lie.stride)
            gap = plane.add(
                shifted, plane.builder.conv(total, -numpy.ones((channels, 1, 1, 1), plane.dtype), group=channels)
            )
            total = plane.add(total, plane.relu(gap))
        return total
    shifts = _shifts(lie.window)
    for step, shift in enumerate(shifts, 1):
        value = larger(value, shift, shift + 1, (0, 0), lie.stride if step == len(shifts) else 1)
    return value if shifts or lie.stride == 1 else taps(value, {0: 1.0}, 1, (0, 0), lie.stride)
