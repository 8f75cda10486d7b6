"""The stages of a network, found in its trunk: the nodes that all data has to pass.

A residual network has a trunk value before and after every block, and all trunk values of one stage have the same
number of elements, whatever the layout and whatever the exporter calls its nodes. A stage ends where that changes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from safecheck.ir.excerpt import shape_words
from safecheck.ir.graph import Scope
from safecheck.ir.signature import UNKNOWN, Tensor
from safecheck.ir.trunk import trunk

_MOST = 12
_LEAST_SHARE = 0.03


class Stage(NamedTuple):
    """A run of nodes of the main graph, in their order."""

    first: int
    end: int
    """One past the last."""
    shape: str
    """Of the trunk values of the stage."""


def stages(scope: Scope, lookup: Callable[[str], Tensor]) -> tuple[Stage, ...]:
    """The stages of a main graph; one without a shape if the graph has no such structure.

    `lookup` says what is known of its values: constants are no part of the trunk.
    """
    count = len(scope.nodes)
    found: list[Stage] = []
    for start, size_shape in _changes(scope, lookup):
        if found and (start - found[-1].first) < max(2, _LEAST_SHARE * count):
            found[-1] = found[-1]._replace(shape=size_shape)
        else:
            found.append(Stage(start, count, size_shape))
    if not found or len(found) > _MOST:
        return (Stage(0, count, ""),)
    found[0] = found[0]._replace(first=0)
    ends = [follower.first for follower in found[1:]] + [count]
    return tuple(stage._replace(end=end) for stage, end in zip(found, ends, strict=True))


def _changes(scope: Scope, lookup: Callable[[str], Tensor]) -> Iterator[tuple[int, str]]:
    """Where the size of the trunk changes: the first node after the change, and the new shape."""
    size = None
    for index in trunk(scope):
        tensor = next((lookup(name) for name in scope.nodes[index].outputs if name), None)
        if tensor is None or tensor.dims is UNKNOWN:
            continue
        elements = 1
        for dim in tensor.dims:
            elements *= dim
        if elements != size:
            size = elements
            yield index, shape_words(tensor)
