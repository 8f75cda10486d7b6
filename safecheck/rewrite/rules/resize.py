"""A resize to a size becomes a resize by constant factors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import floor
from typing import Any

from safecheck.rewrite.attributes import text
from safecheck.rewrite.builder import Builder
from safecheck.rewrite.graph import MutableGraph
from safecheck.rewrite.rule import Candidate, Claim, Match

_DROPPED = ("axes", "keep_aspect_ratio_policy")
_MAX_STEPS = 4


class ResizeSizesToScales:
    """Resize with fixed input and output shape, told by sizes."""

    name = "resize-sizes-to-scales"
    remedies = ("resize-sizes-to-scales",)

    def match(self, graph: MutableGraph, node: Any) -> Match | None:
        """Offer the factors that give the same size in every reader, and nothing at all where the size stays."""
        if node.op_type != "Resize" or graph.opset < 11:
            return None
        before, after = graph.dims(node.input[0]), graph.dims(node.output[0])
        if before is None or after is None:
            return Match((node,), reason="the shape before or after the resize is not fixed")
        if text(node, "coordinate_transformation_mode", "half_pixel") == "tf_crop_and_resize":
            return Match(
                (node,), reason="a resize that crops by a region of interest has no equivalent by factors alone"
            )
        builder = Builder(graph, node.output[0])
        source = node.input[0]
        if before == after:
            replacement = builder.replacement([source], {node.output[0]: source})
            return Match((node,), (Candidate(replacement, Claim("exact", "every element keeps its place")),))
        if len(node.input) < 4 or not node.input[3]:
            return None
        scales = [_scale(one, other) for one, other in zip(before, after, strict=True)]
        if any(scale is None for scale in scales):
            return Match((node,), reason="no 32-bit factor gives this size in all readers")
        made = _by_scales(builder, node, [scale for scale in scales if scale is not None])
        replacement = builder.replacement([source], {node.output[0]: made})
        return Match((node,), (Candidate(replacement, _claim(node, source, before, after)),))


def _scale(before: int, after: int) -> float | None:
    """The factor nearest to after / before from which every reader computes `after`.

    A size is floor(before x factor), computed in double precision by onnx and in single precision by onnxruntime. The
    nearest float can lie a little too low for one of them; one unit in the last place more repairs that.
    """
    import numpy

    scale = numpy.float32(after) / numpy.float32(before)
    for _ in range(_MAX_STEPS):
        if floor(before * float(scale)) == after == int(numpy.floor(numpy.float32(before) * scale)):
            return float(scale)
        scale = numpy.nextafter(scale, numpy.float32(numpy.inf))
    return None


def _by_scales(builder: Builder, node: Any, scales: Sequence[float]) -> str:
    import numpy

    region = node.input[1] if len(node.input) > 1 else ""
    value = builder.add("Resize", [node.input[0], region, builder.constant(numpy.array(scales, numpy.float32))])
    builder.nodes[-1].attribute.extend(part for part in node.attribute if part.name not in _DROPPED)
    return value


def _claim(node: Any, source: str, before: Sequence[int], after: Sequence[int]) -> Claim:
    import numpy

    exact = all(
        _scale(one, other) == float(numpy.float32(other) / numpy.float32(one))
        for one, other in zip(before, after, strict=True)
    )
    mode = text(node, "mode", "nearest")
    if mode == "nearest":
        return Claim("exact", "both sides take the same neighbours", moves_data=True)
    if exact:
        return Claim("exact", "the factors are those that the sizes stand for, so both sides compute the same")
    if mode != "linear":
        return Claim("tested", "the factors differ from those of the sizes by one unit in the last place")
    return _nudged(source, [size for size, other in zip(before, after, strict=True) if size != other])


def _nudged(source: str, sizes: Sequence[int]) -> Claim:
    """Linear interpolation is continuous: a small shift of the coordinate is a small change of the value.

    The factor changes by at most four units in the last place and the coordinate is computed with three roundings on
    either side, so along an axis of n elements the coordinate moves by at most n (4 x 2 + 6) u. The value then changes
    by at most that times the difference of neighbours, which is at most 2 max|x|; the weighted sum adds gamma(8) twice.
    """

    def limit(feed: Mapping[str, Any], expected: Any) -> Any:
        unit = float(_epsilon(expected.dtype)) / 2
        largest = float(abs(feed[source]).max(initial=0.0, where=feed[source] == feed[source]))
        return largest * (2 * 14 * unit * sum(sizes) + 2 * 8 * unit / (1 - 8 * unit))

    return Claim(
        "bounded",
        "the factors are a unit in the last place above those of the sizes, and linear interpolation is continuous",
        limit=limit,
        bound=f"max|x| x (28 u x {sum(sizes)} + 2 gamma(8)), u the unit roundoff",
    )


def _epsilon(dtype: Any) -> Any:
    """The distance from one to the next number of a type, at least that of single precision: coordinates have it."""
    import numpy

    return max(numpy.finfo(dtype).eps, numpy.finfo(numpy.float32).eps)
