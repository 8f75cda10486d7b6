"""Any pure data movement becomes the shortest permitted program with the same index map.

Recognised by what it does, not by how it is spelled: views, permutations, flips, rolls, gathers, scatters, einsums and
products with permutation matrices all end as an index map, and equal maps get equal programs.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import Any

from safecheck.rewrite.algebra.constants import computed
from safecheck.rewrite.algebra.pointwise import add_all
from safecheck.rewrite.builder import Builder
from safecheck.rewrite.graph import MutableGraph, Node
from safecheck.rewrite.movement.factor import Factored, FactorError, stages
from safecheck.rewrite.movement.numbers import OTHER, ZERO
from safecheck.rewrite.movement.program import STYLES, Style, StyleError, Writer
from safecheck.rewrite.movement.trace import Exit, exits, group
from safecheck.rewrite.rule import Candidate, Claim, Match

_SPREADS = "the convolution with zeros and ones turns -0 into +0 and spreads NaN and infinity over what it sums"
_SPREAD = "the product that was there turned -0 into +0 and spread NaN and infinity; the replacement copies"

_MAX_SOURCES = 256
"""Of one result: each is a convolution as large as the result, so the work and the network grow with their product."""

_Ends = tuple[tuple[str, tuple[str, ...]], ...]


class _Programs(dict[tuple[tuple[Node, ...], _Ends], tuple[list[Candidate], str]]):
    """Answers of `_programs`, by the nodes that move, the names of what leaves them and of what it is made of."""


class RotateWithTranspose:
    """Reshape, Transpose(0, 1, 3, 2) and, where elements are picked or reversed, Slice or a 1x1 convolution."""

    name = "rotate-with-transpose"
    remedies = ("rotate-with-transpose", "keep-rank")

    def match(self, graph: MutableGraph, node: Any) -> Match | None:
        """The group of moving nodes around the anchor, all results of it at once; failing that, the anchor alone."""
        nodes = group(graph, node)
        if not nodes:
            return None
        ordered = (node, *(other for other in nodes if other is not node))
        candidates, reason = _candidates(graph, nodes)
        if not candidates and len(nodes) > 1:
            candidates, _ = _candidates(graph, [node])
            ordered = (node,) if candidates else ordered
        return Match(ordered, tuple(candidates), "" if candidates else reason)


def _candidates(graph: MutableGraph, nodes: list[Node]) -> tuple[list[Candidate], str]:
    """A program per style for everything that leaves the nodes, or why there is none."""
    try:
        found = exits(graph, nodes)
    except FactorError as failure:
        return [], str(failure)
    programs = graph.memo(_Programs)
    key = tuple(nodes), tuple((exit_.name, exit_.sources) for exit_ in found)
    if key not in programs:
        programs[key] = _programs(graph, found)
    return programs[key]


def _programs(graph: MutableGraph, found: list[Exit]) -> tuple[list[Candidate], str]:
    if not found:
        return [], "nothing that it moves is used"
    sources = tuple(dict.fromkeys(source for exit_ in found for source in exit_.sources))
    reasons: list[str] = []
    candidates: list[Candidate] = []
    try:
        maps = {exit_.name: _maps(graph, exit_) for exit_ in found}
    except (FactorError, StyleError) as failure:
        return [], f"the index map has no program: {failure}"
    for style in STYLES:
        builder = Builder(graph, found[0].name)
        try:
            results = {exit_.name: _write(graph, builder, exit_, maps[exit_.name], style) for exit_ in found}
        except StyleError as failure:
            reasons.append(str(failure))
            continue
        candidates.append(Candidate(builder.replacement(sources, results), _claim(found, builder)))
    return list(_distinct(candidates)), f"the index map has no program: {'; '.join(dict.fromkeys(reasons))}"


def _maps(graph: MutableGraph, exit_: Exit) -> list[tuple[Factored, ...]]:
    """The map from every source of a result."""
    import numpy

    if bool((exit_.numbers == OTHER).any()):
        raise StyleError("sums, or constants that are no finite numbers, are among the elements")
    if not exit_.sources:
        raise StyleError("nothing but constants is left")
    if len(exit_.sources) > _MAX_SOURCES:
        raise StyleError(f"a sum of {len(exit_.sources)} convolutions is too large")
    maps = []
    start = 0
    for source in exit_.sources:
        count = prod(graph.dims(source) or ())
        inside = (exit_.numbers >= start) & (exit_.numbers < start + count)
        maps.append(stages(numpy.where(inside, exit_.numbers - start, ZERO), count))
        start += count
    return maps


def _write(graph: MutableGraph, builder: Builder, exit_: Exit, maps: list[tuple[Factored, ...]], style: Style) -> str:
    """One result: a program from its only source, or the sum of one program per source."""
    if (len(maps) > 1 or exit_.addend is not None) and style.pick == "copy":
        raise StyleError("several sources, or constants, are joined by sums of convolutions only")
    dims = exit_.numbers.shape
    sum_ = len(maps) > 1 or exit_.addend is not None
    across = _across(dims) if sum_ else dims
    parts = []
    for source, map_ in zip(exit_.sources, maps, strict=True):
        writer = Writer(builder, source, graph.dims(source) or (), graph.tensor(source).dtype or "", style)
        parts.append(writer.write(map_, across))
    if exit_.addend is not None:
        try:
            parts.append(computed(builder, parts[0], exit_.addend.reshape(across), across))
        except ValueError as failure:
            raise StyleError(str(failure)) from failure
    total = add_all(builder, parts)
    return total if across == dims else builder.reshape(total, dims)


def _across(dims: tuple[int, ...]) -> tuple[int, ...]:
    """Four dimensions for the same elements, on which sums are known to be in scope."""
    return (1,) * (4 - len(dims)) + dims if len(dims) <= 4 else (1, prod(dims[:-2]), *dims[-2:])


def _claim(found: list[Exit], builder: Builder) -> Claim:
    computes = any(node.op_type in ("Conv", "Add") for node in builder.nodes)
    caveats = ([_SPREADS] if computes else []) + ([_SPREAD] if any(exit_.computes for exit_ in found) else [])
    return Claim(
        "exact",
        "both sides only move elements, and an enumeration of the elements ends in the same places",
        moves_data=True,
        finite_only=bool(caveats),
        caveats=tuple(caveats),
    )


def _distinct(candidates: list[Candidate]) -> Iterator[Candidate]:
    """Without candidates that read the same as an earlier one."""
    seen = set()
    for candidate in candidates:
        key = tuple(
            (node.op_type, tuple(attribute.SerializeToString() for attribute in node.attribute))
            for node in candidate.replacement.nodes
        )
        if key not in seen:
            seen.add(key)
            yield candidate
