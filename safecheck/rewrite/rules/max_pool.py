"""MaxPool by Relu: the larger of two is a + max(b - a, 0), neighbours are picked by convolutions with a single one.

The window is a maximum of maxima: along the rows first, then along the columns. Padding counts as minus infinity; zeros
do as well where no element is negative, and a constant makes elements so that are known to have a lower bound.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from safecheck.ir.walk import is_standard
from safecheck.rewrite.algebra.plane import UNSIGNED_ZERO, Plane
from safecheck.rewrite.algebra.rounding import FLOATS, smallest, unit
from safecheck.rewrite.attributes import attribute, integer, integers, text
from safecheck.rewrite.builder import Builder
from safecheck.rewrite.graph import MutableGraph
from safecheck.rewrite.rule import Candidate, Claim, Match
from safecheck.rewrite.rules.dense import evened

_MAX_WINDOW = 5
_SILU_FLOOR = -0.2785
"""x sigmoid(x) is at least -0.27846, where x = -1.27846."""
_CAVEATS = (UNSIGNED_ZERO, "NaN and infinities spread over the windows of their map")


class _Floors(dict[str, float]):
    """Numbers that no element of a value is below; they stay with the name of the value."""


class MaxPoolToRelu:
    """MaxPool over windows of up to five by five."""

    name = "max-pool-to-relu"
    remedies: tuple[str, ...] = ()

    def match(self, graph: MutableGraph, node: Any) -> Match | None:
        """Offer convolutions that pick, and the larger of what they pick."""
        if node.op_type != "MaxPool" or not is_standard(node):
            return None
        dims, made, dtype = graph.dims(node.input[0]), graph.dims(node.output[0]), graph.tensor(node.input[0]).dtype
        window = integers(node, "kernel_shape") or ()
        if dims is None or made is None or len(dims) != 4 or dtype not in FLOATS:
            return Match((node,), reason="the tensor has no fixed shape of four dimensions")
        if text(node, "auto_pad", "NOTSET") != "NOTSET" or set(integers(node, "dilations") or (1,)) != {1}:
            return Match((node,), reason="the window is dilated, or its padding is not told by numbers")
        if any(node.output[1:]):
            return Match((node,), reason="the places of the maxima are used")
        if max(window) > _MAX_WINDOW:
            return Match((node,), reason=f"a window above {_MAX_WINDOW} would take dozens of layers")
        strides, pads = integers(node, "strides") or (1, 1), integers(node, "pads") or (0,) * 4
        if integer(node, "ceil_mode", 0) and _rounds_up(dims, made, window, strides, pads):
            return Match((node,), reason="the last window reaches beyond the padding")
        lowest = floor(graph, node.input[0])
        if any(pads) and lowest is None:
            return Match((node,), reason="padding is minus infinity, and nothing says that no element is negative")
        if lowest is not None:
            graph.memo(_Floors)[node.output[0]] = lowest
        return Match((node,), (_candidate(graph, node, (window, strides, pads), lowest if any(pads) else None),))


def _rounds_up(dims: Any, made: Any, window: Any, strides: Any, pads: Any) -> bool:
    """Whether rounding the size of the result up adds a window."""
    exact = [
        (dims[axis + 2] + pads[axis] + pads[axis + 2] - window[axis]) // strides[axis] + 1 for axis in range(2)
    ]  # fmt: skip
    return list(made[2:]) != exact


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


def _candidate(graph: MutableGraph, node: Any, shape: tuple[Any, Any, Any], lowest: float | None) -> Candidate:
    """The program; `lowest` is the bound that padding needs, None without padding."""
    x, result = node.input[0], node.output[0]
    window, strides, pads = shape
    dims, made, dtype = graph.dims(x) or (), graph.dims(result) or (), graph.tensor(x).dtype or ""
    builder = Builder(graph, result)
    lift = max(0.0, -(lowest or 0.0))
    value = Plane(builder, dims, dtype).affine(x, 1.0, lift) if lift else x
    across = (dims[0], dims[1], dims[2], made[3])
    for axis, size in ((1, across), (0, made)):
        if window[axis] > 1 or strides[axis] > 1 or pads[axis] or pads[axis + 2]:
            value = _along(Plane(builder, size, dtype), value, axis, (window[axis], strides[axis], pads[axis::2]))
    if lift:
        value = Plane(builder, made, dtype).affine(value, 1.0, -lift)
    rounds = 4 * (sum(window) - 2) + 4

    def limit(feed: Mapping[str, Any], expected: Any) -> Any:
        import numpy

        peak = numpy.abs(feed[x].astype(numpy.float64)).max(axis=(2, 3), keepdims=True)
        return rounds * (unit(dtype) * (peak + lift) + smallest(dtype))

    claim = Claim(
        "bounded", "the larger of a and b is a + max(b - a, 0): a itself, or b to within two roundings",
        finite_only=True, caveats=_CAVEATS, limit=limit,
        floors={} if lowest is None else {x: lowest}, bound=f"{rounds} u x largest magnitude of the map",
    )  # fmt: skip
    return Candidate(builder.replacement([x], {result: value}), claim)


def _along(plane: Plane, value: str, axis: int, shape: tuple[int, int, tuple[int, ...]]) -> str:
    """The maximum along one axis; the planes are those of the result."""
    import numpy

    window, stride, pads = shape

    def taps(numbers: dict[int, float]) -> str:
        row = numpy.zeros((1, 1, window))
        for at, number in numbers.items():
            row[0, 0, at] = number
        plain, padding = evened(row, pads)
        flat = [1, plain.shape[2]] if axis else [plain.shape[2], 1]
        weights = numpy.repeat(plain.reshape(1, 1, *flat), plane.dims[1], 0).astype(plane.dtype)
        steps, sides = ([1, stride], [0, padding[0]]) if axis else ([stride, 1], [padding[0], 0])
        given = {"strides": steps if stride > 1 else None, "pads": sides * 2 if padding[0] else None}
        return plane.builder.conv(value, weights, group=plane.dims[1], **given)

    largest = taps({0: 1.0})
    for at in range(1, window):
        gap = taps({0: -1.0, at: 1.0}) if at == 1 else plane.add(taps({at: 1.0}), _negative(plane, largest))
        largest = plane.add(largest, plane.relu(gap))
    return largest


def _negative(plane: Plane, value: str) -> str:
    import numpy

    weights = numpy.full((plane.dims[1], 1, 1, 1), -1, plane.dtype)
    return plane.builder.conv(value, weights, group=plane.dims[1])
