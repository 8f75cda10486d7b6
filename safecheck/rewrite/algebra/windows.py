"""Where the windows of a pool lie, in numbers, along every spatial axis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from safecheck.rewrite.attributes import integer, integers, text
from safecheck.rewrite.graph import MutableGraph


@dataclass(frozen=True)
class Windows:
    """The windows along one axis."""

    size: int
    """Elements of the axis."""
    places: int
    """Windows."""
    window: int
    """Elements of a window."""
    stride: int
    dilation: int
    low: int
    """Padding before the first element."""
    high: int
    """Padding behind the last element."""

    def elements(self, place: int) -> list[int]:
        """The elements that a window sees."""
        first = place * self.stride - self.low
        seen = (first + tap * self.dilation for tap in range(self.window))
        return [entry for entry in seen if 0 <= entry < self.size]

    def divisor(self, place: int, padding: bool) -> int:
        """How many elements count: also those of the padding, but never those that hang over it, if `padding`."""
        if not padding:
            return len(self.elements(place))
        first = place * self.stride - self.low
        seen = (first + tap * self.dilation for tap in range(self.window))
        return sum(-self.low <= entry < self.size + self.high for entry in seen)


def pads_of(
    node: Any, sizes: Sequence[int], places: Sequence[int], extent: Sequence[int], strides: Sequence[int]
) -> tuple[int, ...] | None:
    """Begins, then ends, as written or as `auto_pad` means them; None if it means nothing.

    SAME pads what the windows need; an odd one goes to the end (UPPER) or to the begin (LOWER).
    """
    mode = text(node, "auto_pad", "NOTSET")
    if mode == "NOTSET":
        return integers(node, "pads") or (0,) * (2 * len(extent))
    if mode == "VALID":
        return (0,) * (2 * len(extent))
    if mode not in ("SAME_UPPER", "SAME_LOWER"):
        return None
    totals = [
        max((count - 1) * stride + window - size, 0)
        for size, count, window, stride in zip(sizes, places, extent, strides, strict=True)
    ]
    smaller, larger = [total // 2 for total in totals], [total - total // 2 for total in totals]
    return (*smaller, *larger) if mode == "SAME_UPPER" else (*larger, *smaller)


def windows(graph: MutableGraph, node: Any) -> list[Windows] | None:
    """The windows of AveragePool or MaxPool along every spatial axis; None if they are not fixed."""
    dims, made, kernel = graph.dims(node.input[0]), graph.dims(node.output[0]), integers(node, "kernel_shape")
    if dims is None or made is None or kernel is None or len(dims) != len(kernel) + 2:
        return None
    rank = len(kernel)
    strides, dilations = (integers(node, name) or (1,) * rank for name in ("strides", "dilations"))
    extent = [(size - 1) * gap + 1 for size, gap in zip(kernel, dilations, strict=True)]
    pads = pads_of(node, dims[2:], made[2:], extent, strides)
    if pads is None:
        return None
    along = zip(dims[2:], made[2:], kernel, strides, dilations, pads[:rank], pads[rank:], strict=True)
    return [Windows(*numbers) for numbers in along]


def mean_matrix(windows_: Windows, padding: bool) -> Any | None:
    """The mean over every window as a matrix (places, size) in float64; None if a window sees nothing that counts."""
    import numpy

    matrix = numpy.zeros((windows_.places, windows_.size))
    for place in range(windows_.places):
        count = windows_.divisor(place, padding)
        if not count:
            return None
        matrix[place, windows_.elements(place)] = 1 / count
    return matrix


def counts_padding(node: Any) -> bool:
    """Whether an AveragePool divides by the padding as well."""
    return bool(integer(node, "count_include_pad", 0))
