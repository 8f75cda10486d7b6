"""The trunk of a network: the nodes that all data has to pass, and what hangs between them. Two walks, no library."""

from __future__ import annotations

from collections.abc import Iterable

from safecheck.ir.graph import Scope

_START = -1


def trunk(scope: Scope) -> list[int]:
    """The nodes of a main graph that all data has to pass between its inputs and its outputs, in their order.

    A value that is carried past a node, also an input, is another way. Of the nodes that lie on a way at all, in the
    order of the file, those are passed by everything that no edge leads past.
    """
    sources: dict[int, list[int]] = {}
    """Where the data of a node comes from; no node that depends on no input."""
    for node in scope.nodes:
        ways = []
        for value in node.inputs:
            producer = scope.producers.get(value)
            if producer is not None:
                if producer.index in sources:
                    ways.append(producer.index)
            elif scope.lookup(value).network_input:
                ways.append(_START)
        if ways:
            sources[node.index] = ways
    outputs = [scope.producers[value].index for value in scope.outputs if value in scope.producers]
    last = dict.fromkeys(outputs, len(scope.nodes))
    """How far an edge leads from a node, if it leads to an output."""
    for index in reversed(sources):
        if index in last:
            for way in sources[index]:
                last.setdefault(way, index)
    found = []
    furthest = last.get(_START, len(scope.nodes))
    for index in sources:
        if index in last:
            if index == furthest:
                found.append(index)
            furthest = max(furthest, last[index])
    return found


def islands(scope: Scope, without: Iterable[int]) -> list[list[int]]:
    """What hangs together between the nodes of the trunk, as positions of nodes; also without those named.

    A residual branch is one island. Islands come in the order of their first nodes.
    """
    gone = {*trunk(scope), *without}
    above: dict[int, int] = {}

    def top(index: int) -> int:
        while above[index] != index:
            above[index] = index = above[above[index]]
        return index

    for node in scope.nodes:
        if node.index not in gone:
            above[node.index] = node.index
            for value in node.inputs:
                producer = scope.producers.get(value)
                if producer is not None and producer.index in above:
                    above[top(producer.index)] = top(node.index)
    found: dict[int, list[int]] = {}
    for index in above:
        found.setdefault(top(index), []).append(index)
    return list(found.values())
