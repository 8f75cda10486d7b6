"""GridSample with a constant grid and the nearest neighbour moves elements."""

from __future__ import annotations

from typing import Any

from safecheck.rewrite.attributes import integer, text


def is_nearest(node: Any) -> bool:
    """Whether every result is one element, or zero outside."""
    return text(node, "mode", "linear") == "nearest" and text(node, "padding_mode", "zeros") in ("zeros", "border")


def nearest(node: Any, grid: Any, numbers: Any) -> Any:
    """Element numbers at the places of a grid (N, H, W, 2) with coordinates from -1 to 1, x first, as ONNX defines it.

    Raises:
        ValueError: a coordinate is too near the middle between two elements to say which one is nearer.
    """
    import numpy

    if numbers.ndim != 4:
        raise ValueError("only two spatial axes are known here")
    corners = bool(integer(node, "align_corners", 0))
    places = []
    inside = numpy.ones(grid.shape[:3], bool)
    for position, size in ((1, numbers.shape[2]), (0, numbers.shape[3])):
        span = (grid[..., position].astype(numpy.float64) + 1) / 2
        at = span * (size - 1) if corners else span * size - 0.5
        if bool((numpy.abs(at - numpy.floor(at) - 0.5) < 1e-3).any()):
            raise ValueError("a coordinate between two elements")
        entry = numpy.rint(at).astype(numpy.int64)
        inside &= (entry >= 0) & (entry < size)
        places.append(numpy.clip(entry, 0, size - 1))
    batch = numpy.arange(numbers.shape[0])[:, None, None]
    picked = numpy.moveaxis(numbers[batch, :, places[0], places[1]], -1, 1)
    if text(node, "padding_mode", "zeros") == "border":
        return picked
    return numpy.where(inside[:, None], picked, -1)
