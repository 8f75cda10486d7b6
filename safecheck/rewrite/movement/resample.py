"""Resize and Upsample to the nearest neighbour move elements: every result is one element of the source.

Coordinates and rounding follow the ONNX definition of Resize, in single precision as runtimes compute them. Where a
runtime rounds a coordinate between two elements another way, the proof fails; no result is wrong.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from safecheck.rewrite.attributes import integer, integers, text
from safecheck.rewrite.graph import MutableGraph
from safecheck.rewrite.movement.numbers import Numbers

_ROUNDINGS: dict[str, Callable[[Any, Any], Any]] = {
    "ceil": lambda numpy, at: numpy.ceil(at),
    "floor": lambda numpy, at: numpy.floor(at),
    "round_prefer_ceil": lambda numpy, at: numpy.floor(at + numpy.float32(0.5)),
    "round_prefer_floor": lambda numpy, at: numpy.ceil(at - numpy.float32(0.5)),
}
_COORDINATES = ("align_corners", "asymmetric", "half_pixel", "half_pixel_symmetric", "pytorch_half_pixel")
_TOLD_BY_ATTRIBUTES = 11
"""Before this operator set there is one coordinate transformation and one rounding."""


def is_nearest(graph: MutableGraph, node: Any) -> bool:
    """Whether every result is one element of the source, by a rule known here."""
    known = _coordinates(graph, node) in _COORDINATES and _rounding(graph, node) in _ROUNDINGS
    told = graph.opset >= 9 and (len(node.input) > 1 or node.op_type == "Resize")
    return known and told and text(node, "mode", "nearest") == "nearest" and not integer(node, "antialias", 0)


def resize(graph: MutableGraph, node: Any, data: list[Numbers]) -> list[Numbers]:
    """Take the nearest element, axis by axis."""
    import numpy

    result = data[0]
    wanted = graph.dims(node.output[0]) or ()
    for axis, (size, places) in enumerate(zip(result.shape, wanted, strict=True)):
        at = _source(_coordinates(graph, node), numpy.float32(_scale(graph, node, axis, size, places)), size, places)
        entries = _ROUNDINGS[_rounding(graph, node)](numpy, at)
        result = numpy.take(result, numpy.clip(entries, 0, size - 1).astype(numpy.int64), axis)
    return [result]


def _coordinates(graph: MutableGraph, node: Any) -> str:
    old = node.op_type == "Upsample" or graph.opset < _TOLD_BY_ATTRIBUTES
    return "asymmetric" if old else text(node, "coordinate_transformation_mode", "half_pixel")


def _rounding(graph: MutableGraph, node: Any) -> str:
    old = node.op_type == "Upsample" or graph.opset < _TOLD_BY_ATTRIBUTES
    return "floor" if old else text(node, "nearest_mode", "round_prefer_floor")


def _scale(graph: MutableGraph, node: Any, axis: int, size: int, places: int) -> float:
    """The factor of one axis: as written, or that of the sizes."""
    slot = 1 if node.op_type == "Upsample" or graph.opset < _TOLD_BY_ATTRIBUTES else 2
    scales = graph.constant(node.input[slot]) if len(node.input) > slot else None
    axes = [entry % len(graph.dims(node.input[0]) or (1,)) for entry in integers(node, "axes") or ()]
    if scales is None or not scales.size:
        return places / size
    if not axes:
        return float(scales[axis])
    return float(scales[axes.index(axis)]) if axis in axes else 1.0


def _source(mode: str, scale: Any, size: int, places: int) -> Any:
    """The coordinate in the source of every place of the result."""
    import numpy

    place = numpy.arange(places, dtype=numpy.float32)
    half = numpy.float32(0.5)
    if mode == "asymmetric":
        return place / scale
    if mode == "align_corners":
        return place * numpy.float32(size - 1) / numpy.float32(places - 1) if places > 1 else numpy.zeros_like(place)
    if mode == "pytorch_half_pixel" and places == 1:
        return numpy.zeros_like(place)
    if mode == "half_pixel_symmetric":
        adjusted = numpy.float32(places) / (scale * numpy.float32(size))
        return numpy.float32(size) / 2 * (1 - adjusted) + (place + half) / scale - half
    return (place + half) / scale - half
