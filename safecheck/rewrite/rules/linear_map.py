"""Fixed linear maps become 1x1 convolutions along the axes on which they work."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import Any

from safecheck.rewrite.algebra.axis_map import magnitude, turned, write
from safecheck.rewrite.algebra.constants import computed
from safecheck.rewrite.algebra.linear_operators import Linear, linear
from safecheck.rewrite.algebra.rounding import Magnitude, sums_agree
from safecheck.rewrite.builder import Builder
from safecheck.rewrite.graph import MutableGraph
from safecheck.rewrite.memo import NodeMemo
from safecheck.rewrite.rule import Candidate, Match

_METHOD = "both sides are sums of the same elements times the same coefficients, axis by axis"
_SPREADS = "zero times infinity or NaN is NaN, now along the whole of every axis that is summed over"


class _Matches(NodeMemo[Match | None]):
    """Answers of `match`: a matrix that has to be asked for takes its time."""


class LinearMapToConvolution:
    """Means and running sums, interpolation, sums at fixed places, another constant matrix for every batch."""

    name = "linear-map-to-convolution"
    remedies: tuple[str, ...] = ()

    def match(self, graph: MutableGraph, node: Any) -> Match | None:
        """Offer one convolution per axis, or per run of axes."""
        return graph.memo(_Matches).of(node, lambda: _match(graph, node))


def _match(graph: MutableGraph, node: Any) -> Match | None:
    found = linear(graph, node)
    if found is None:
        return None
    candidate = candidate_of(graph, node.output[0], found)
    if candidate is None:
        return Match(
            (node,), reason="as weights the coefficients leave the range of the type, or there are too many of them"
        )
    return Match((node,), (candidate,))


def candidate_of(graph: MutableGraph, name: str, found: Linear, roundings: int = 0) -> Candidate | None:
    """A value as linear maps of another; `roundings` are those of a term today beyond its product and the sums."""
    dims, dtype = graph.dims(found.data) or (), graph.tensor(found.data).dtype or ""
    builder = Builder(graph, name)
    value, seen = found.data, dims
    if found.turned:
        value, seen = turned(builder, value, dims)
    made = write(builder, value, seen, found.maps, dtype)
    if made is None:
        return None
    result = graph.dims(name) or ()
    if found.turned:
        made = turned(builder, made, (*result[:-2], result[-1], result[-2]))[0]
    sources = [found.data]
    if found.addend:
        stored = graph.constant(found.addend)
        sources += [found.addend] if stored is None else []
        try:
            other = found.addend if stored is None else computed(builder, made, stored, result)
        except ValueError:
            return None
        made = builder.add("Add", [made, other])
    # On one side the terms are added in one go, on the other axis by axis; each coefficient is rounded on its own.
    terms = prod(map_.terms for map_ in found.maps) + sum(map_.terms + 3 for map_ in found.maps) + 1 + roundings
    claim = sums_agree(dtype, terms, _magnitude(graph, found, seen), _METHOD, finite_only=True, caveats=(_SPREADS,))
    return Candidate(builder.replacement(sources, {name: made}), claim)


def _magnitude(graph: MutableGraph, found: Linear, dims: tuple[int, ...]) -> Magnitude:
    """For every result the sum of the magnitudes of its terms."""

    def of(feed: Mapping[str, Any]) -> Any:
        import numpy

        data = feed[found.data]
        total = magnitude(data.swapaxes(-1, -2) if found.turned else data, dims, found.maps)
        if found.turned:
            total = total.swapaxes(-1, -2)
        if found.addend:
            stored = graph.constant(found.addend)
            total = total + numpy.abs((feed[found.addend] if stored is None else stored).astype(numpy.float64))
        return total

    return of
