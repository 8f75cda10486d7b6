"""Nodes in an order in which every value is made before it is read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any


def in_order(nodes: Sequence[Any], reads: Callable[[Any], Iterator[str]]) -> list[Any]:
    """The nodes, as they are if that is possible; else makers are put in front of their first reader.

    The graph has to be free of cycles.
    """
    makers = {name: node for node in nodes for name in node.output if name}
    done: set[int] = set()
    ordered: list[Any] = []
    for start in nodes:
        pending = [start]
        while pending:
            node = pending[-1]
            needed = () if id(node) in done else (makers[name] for name in reads(node) if name in makers)
            missing = [maker for maker in needed if id(maker) not in done]
            if missing:
                pending += reversed(missing)
                continue
            pending.pop()
            if id(node) not in done:
                done.add(id(node))
                ordered.append(node)
    return ordered
