"""A network folded: nodes in blocks, blocks in stages, so that five thousand nodes are some dozen things to look at.

What all data has to pass (the trunk) ends a block, whatever the exporter calls its nodes: one residual branch, such as
an attention, is one block. Where a network has no such structure, its nodes are parted in their order.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple, TypeAlias

from safecheck.ir.graph import OpGraph, OpNode, Scope
from safecheck.ir.signature import Tensor
from safecheck.ir.stages import stages
from safecheck.ir.topology import node_id
from safecheck.ir.trunk import trunk
from safecheck.text import printable

FLAT = 40
"""A graph of so many nodes is looked at as it is, and so many things stand beside each other at most."""
_CHAIN, _LARGE, _PART = 12, 96, 24
_NAMED = 3
_MOVING = frozenset({"Reshape", "Transpose", "Identity", "Constant", "Cast", "Squeeze", "Unsqueeze", "Flatten"})
"""Operators that say least about what a block does."""


class Block(NamedTuple):
    """What is folded into one box."""

    title: str
    """Printable."""
    members: tuple[Member, ...]
    """In the order of the file."""


Member: TypeAlias = "Block | str"
"""A block, or a node by its `node_id`."""


def blocks(graph: OpGraph, lookup: Callable[[str], Tensor]) -> tuple[Member, ...]:
    """The nodes of a model, each exactly once; `lookup` says what is known of the values of the main graph.

    A nested graph is a block behind the node that holds it, a function a block at the end.
    """
    held: dict[tuple[str, int], list[tuple[str, Scope]]] = {}
    for scope in graph.scopes:
        if scope.parent is not None and scope.holder is not None:
            held.setdefault((scope.parent.path, scope.holder[0]), []).append((scope.holder[1], scope))

    def members(nodes: Iterable[OpNode]) -> tuple[Member, ...]:
        return tuple(member for node in nodes for member in (node_id(node.scope.path, node.index), *inside(node)))

    def inside(node: OpNode) -> Iterator[Block]:
        for name, scope in held.get((node.scope.path, node.index), ()):
            title = f"{name} of {node.op_type} {node.index}"
            yield Block(printable(title, 80), _levelled(members(scope.nodes)))

    main, *others = graph.scopes
    functions = (scope for scope in others if scope.parent is None and scope.nodes)
    ends = (Block(printable(scope.path, 80), _levelled(members(scope.nodes))) for scope in functions)
    return _levelled((*_main(main, lookup, members), *ends))


def _main(
    scope: Scope, lookup: Callable[[str], Tensor], members: Callable[[Iterable[OpNode]], tuple[Member, ...]]
) -> Iterable[Member]:
    if len(scope.nodes) <= FLAT:
        return members(scope.nodes)
    parts = [list(map(scope.nodes.__getitem__, part)) for part in _parts(scope)]
    found: list[Member] = []
    for stage in stages(scope, lookup):
        # A part belongs where the node of the trunk stands that ends it.
        own = [part for part in parts if stage.first <= part[-1].index < stage.end]
        inner = tuple(Block(_title(part), members(part)) for part in own)
        if stage.shape and len(inner) > 1:
            found.append(Block(f"stage of {stage.shape}", _levelled(inner)))
        else:
            found += inner
    return found


def _parts(scope: Scope) -> list[list[int]]:
    """Positions of the nodes, part by part: what lies between two nodes of the trunk ends with the second."""
    ends = trunk(scope)
    count = len(scope.nodes)
    own = dict(zip(ends, range(len(ends)), strict=True))
    part = [len(ends)] * count
    for index in reversed(range(count)):
        if index in own:
            part[index] = own[index]
            continue
        readers = [
            reader.index
            for name in scope.nodes[index].outputs
            for reader in scope.readers.get(name, ())
            if reader.index > index
        ]
        part[index] = min((part[reader] for reader in readers), default=len(ends))
    gathered: list[list[int]] = [[] for _ in range(len(ends) + 1)]
    for index, number in enumerate(part):
        gathered[number].append(index)
    for end, nodes in zip(ends, gathered, strict=False):
        nodes.sort(key=lambda index: (index == end, index))
    return [piece for nodes in _joined(gathered) for piece in _split(nodes)]


def _joined(parts: Iterable[list[int]]) -> list[list[int]]:
    """Single nodes go with what they follow, as an activation does, up to a length that can be taken in."""
    found: list[list[int]] = []
    for nodes in parts:
        if found and len(nodes) == 1 and len(found[-1]) < _CHAIN:
            found[-1].extend(nodes)
        elif nodes:
            found.append(nodes)
    return found


def _split(nodes: list[int]) -> list[list[int]]:
    """What is too large to be looked at at once, in its order."""
    if len(nodes) <= _LARGE:
        return [nodes]
    return [nodes[start : start + _PART] for start in range(0, len(nodes), _PART)]


def _title(nodes: Sequence[OpNode]) -> str:
    """What a block does, in the operators that say most: those that compute first, then the most frequent."""
    counts = Counter(node.op_type for node in nodes)
    named = sorted(counts, key=lambda name: (name in _MOVING, -counts[name], name))[:_NAMED]
    words = [printable(name, 24) + (f" x{counts[name]}" if counts[name] > 1 else "") for name in named]
    return ", ".join(words) + (", …" if len(counts) > _NAMED else "")


def _levelled(members: tuple[Member, ...]) -> tuple[Member, ...]:
    """The same with so many beside each other at most, what is too much folded in its order."""
    while len(members) > FLAT:
        size = max(_PART, -(-len(members) // FLAT))
        cuts = [*range(0, len(members), size), len(members)]
        members = tuple(Block(f"{start + 1} to {end}", members[start:end]) for start, end in pairwise(cuts))
    return members
