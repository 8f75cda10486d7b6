"""Peaks of a map, where it equals the maximum of the window around: x is one if no neighbour is larger.

The sum of relu(n - x) over the neighbours n is zero exactly where x is a peak: a difference is rounded to zero only if
there is none (numbers below the normal ones hold it), and a sum of what is not negative is zero only if all of it is.
Its smallest other value is the smallest number, 2^-149: times 2^75 twice that is 2, so that relu(1 - 2^150 s) is one at
a peak and zero elsewhere. Where the product overflows, minus infinity ends as zero as well.
"""

from __future__ import annotations

from dataclasses import replace
from math import prod
from typing import Any

from safecheck.intake.dtypes import dtype_number
from safecheck.ir.walk import is_standard
from safecheck.rewrite.algebra.plane import Plane
from safecheck.rewrite.algebra.pointwise import add_all
from safecheck.rewrite.algebra.windows import Windows, windows
from safecheck.rewrite.attributes import integer
from safecheck.rewrite.builder import Builder
from safecheck.rewrite.graph import MutableGraph
from safecheck.rewrite.rule import Candidate, Claim, Match
from safecheck.rewrite.rules.max_pool import floor

_SCALE = 2.0**75
_WIDEST = 7
"""Windows up to which a neighbour is reached by one convolution."""
_CLAIM = Claim(
    "exact", "no neighbour is larger exactly where the sum of what they exceed it by is zero", finite_only=True,
    caveats=("compared with fewer digits than FP32 has, more elements are equal to their neighbours",),
)  # fmt: skip


class PeaksToRelu:
    """Cast (Equal (x, MaxPool (x))) for a map that is nowhere negative."""

    name = "peaks-to-relu"
    remedies: tuple[str, ...] = ()

    def match(self, graph: MutableGraph, node: Any) -> Match | None:
        """Offer ones and zeros in place of truth values that are cast to numbers."""
        if node.op_type != "Equal":
            return None
        found = _peaks(graph, node)
        if found is None:
            return None
        value, lie = found
        readers = graph.consumers(node.output[0])
        casts = [reader for reader in readers if reader.op_type == "Cast"]
        if graph.is_output(node.output[0]) or len(casts) != len(readers):
            return Match((node,), reason="the truth values are read as such")
        if any(integer(cast, "to", 0) != dtype_number("FLOAT") for cast in casts):
            return Match((node,), reason="the truth values become another type than FLOAT")
        lowest = floor(graph, value)
        if lowest is None or lowest < 0:
            return Match((node,), reason="the map may be negative, and the zeros around it would be its neighbours")
        return Match((node, *casts), (_candidate(graph, [cast.output[0] for cast in casts], value, lie),))


def _peaks(graph: MutableGraph, node: Any) -> tuple[str, list[Windows]] | None:
    """The map that is held against its own maxima, and the windows; None for other comparisons."""
    for value, other in (node.input, reversed(node.input)):
        pool = graph.producer(other)
        if pool is None or pool.op_type != "MaxPool" or not is_standard(pool) or pool.input[0] != value:
            continue
        dims, lie = graph.dims(value), windows(graph, pool)
        if dims is None or lie is None or len(dims) != 4 or graph.tensor(value).dtype != "FLOAT":
            return None
        centred = all(
            axis.stride == axis.dilation == 1 and axis.low == axis.high == axis.window // 2 and axis.window % 2
            for axis in lie
        )
        return (value, lie) if centred and max(axis.window for axis in lie) <= _WIDEST else None
    return None


def _candidate(graph: MutableGraph, results: list[str], value: str, lie: list[Windows]) -> Candidate:
    import numpy

    builder = Builder(graph, results[0])
    plane = Plane(builder, graph.dims(value) or (), "FLOAT")
    channels, kernel = plane.dims[1], tuple(axis.window for axis in lie)
    centre = prod(kernel) // 2
    excesses = []
    for tap in range(prod(kernel)):
        if tap == centre:
            continue
        weights = numpy.zeros((channels, 1, prod(kernel)), numpy.float32)
        weights[..., tap], weights[..., centre] = 1, -1
        pads = [axis.low for axis in lie] * 2
        gap = builder.conv(value, weights.reshape(channels, 1, *kernel), group=channels, pads=pads)
        excesses.append(plane.relu(gap))
    total = plane.affine(add_all(builder, excesses), _SCALE)
    made = plane.relu(plane.affine(total, -_SCALE, 1.0))
    claim = replace(_CLAIM, floors={value: 0.0})
    return Candidate(builder.replacement([value], dict.fromkeys(results, made)), claim)
