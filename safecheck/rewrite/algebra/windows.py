"""Where the windows of a pool lie, in numbers, along every spatial axis."""

from __future__ import annotations

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


def windows(graph: MutableGraph, node: Any) -> list[Windows] | None:
    """The windows of AveragePool or MaxPool along every spatial axis; None if they are not fixed."""
    dims, made, kernel = graph.dims(node.input[0]), graph.dims(node.output[0]), integers(node, "kernel_shape")
    if dims is None or made is None or kernel is None or len(dims) != len(kernel) + 2:
        return None
    rank, mode = len(kernel), text(node, "auto_pad", "NOTSET")
    strides, dilations = (integers(node, name) or (1,) * rank for name in ("strides", "dilations"))
    pads = integers(node, "pads") or (0,) * (2 * rank)
    found = []
    for axis, (size, places) in enumerate(zip(dims[2:], made[2:], strict=True)):
        low, high = pads[axis], pads[axis + rank]
        if mode == "VALID":
            low = high = 0
        elif mode in ("SAME_UPPER", "SAME_LOWER"):
            extent = (kernel[axis] - 1) * dilations[axis] + 1
            total = max((places - 1) * strides[axis] + extent - size, 0)
            low, high = (total // 2, total - total // 2) if mode == "SAME_UPPER" else (total - total // 2, total // 2)
        found.append(Windows(size, places, kernel[axis], strides[axis], dilations[axis], low, high))
    return found


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
