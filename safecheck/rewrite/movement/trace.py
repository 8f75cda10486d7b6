"""Groups of moving nodes, and what their results are made of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from safecheck.rewrite.graph import MutableGraph
from safecheck.rewrite.movement.numbers import CONSTANT, ZERO, Constants
from safecheck.rewrite.movement.operators import data_slots, move, moved, selects

_MAX_NODES = 4096


@dataclass(frozen=True)
class Exit:
    """A value that leaves a group of moving nodes."""

    name: str
    sources: tuple[str, ...]
    """The values it is made of. Element numbers count through all of them, one after the other."""
    numbers: Any
    """int64, with the shape of the value."""
    addend: Any | None
    """The constants other than zero among its elements, in their places and zeros elsewhere; None if there are none.

    Their numbers are those of zeros.
    """
    computes: bool
    """Whether a product with zeros and ones is among the nodes that move."""


class _Sources(NamedTuple):
    """What a group of moving nodes is fed with; element numbers count through it."""

    names: list[str]
    ends: Any
    """int64 (sources), how many elements there are up to the end of each."""


def group(graph: MutableGraph, anchor: Any) -> list[Any]:
    """The moving nodes that are connected with the anchor through what they move; in the order of the graph."""
    if data_slots(graph, anchor) is None:
        return []
    members = {anchor}
    pending = [anchor]
    while pending and len(members) <= _MAX_NODES:
        for neighbour in _neighbours(graph, pending.pop()):
            if neighbour not in members and data_slots(graph, neighbour) is not None:
                members.add(neighbour)
                pending.append(neighbour)
    return graph.in_order(members)


def _neighbours(graph: MutableGraph, node: Any) -> Iterator[Any]:
    for position in data_slots(graph, node) or ():
        maker = graph.producer(node.input[position])
        if maker is not None:
            yield maker
    for name in node.output:
        for reader in graph.consumers(name):
            if name in moved(graph, reader):
                yield reader


def exits(graph: MutableGraph, nodes: list[Any]) -> list[Exit]:
    """What the group hands to the rest of the network, with the way every element took.

    Raises:
        FactorError: the nodes cannot be carried out on the shapes that they have.
    """
    import numpy

    members = set(nodes)
    constants = Constants()
    names: list[str] = []
    ends: list[int] = []
    traced: dict[str, tuple[Any, bool]] = {}
    total = 0
    for node in nodes:
        data, computes = [], selects(node)
        for position in data_slots(graph, node) or ():
            name = node.input[position]
            constant = graph.constant(name)
            if constant is not None:
                data.append(constants.numbers(constant))
                continue
            if name not in traced:
                dims = graph.dims(name) or ()
                count = int(numpy.prod(dims, dtype=numpy.int64))
                traced[name] = (numpy.arange(total, total + count, dtype=numpy.int64).reshape(dims), False)
                total += count
                names.append(name)
                ends.append(total)
            numbers, spread = traced[name]
            data.append(numbers)
            computes = computes or spread
        for name, numbers in zip(node.output, move(graph, node, data), strict=False):
            traced[name] = (numpy.asarray(numbers), computes)  # one element of a vector is a number to numpy
    sources = _Sources(names, numpy.array(ends, numpy.int64))
    found: list[Exit] = []
    for node in nodes:
        for name in node.output:
            leaves = graph.is_output(name) or any(
                reader not in members or _steers(graph, reader, name) for reader in graph.consumers(name)
            )
            if name and leaves:
                found.append(_exit(name, *traced[name], sources, constants))
    return found


def _steers(graph: MutableGraph, reader: Any, name: str) -> bool:
    """Whether a moving node reads the value as something else than what it moves."""
    slots = data_slots(graph, reader) or ()
    if len(slots) == len(reader.input):  # a Concat, which may have a million
        return False
    return any(value == name and position not in slots for position, value in enumerate(reader.input))


def _exit(name: str, numbers: Any, computes: bool, sources: _Sources, constants: Constants) -> Exit:
    """Renumber so that only the sources that really occur count."""
    import numpy

    inside = numbers >= 0
    which = numpy.searchsorted(sources.ends, numbers[inside], side="right")
    occurs = numpy.zeros(len(sources.names), bool)
    occurs[which] = True
    sizes = numpy.diff(sources.ends, prepend=0)
    left_out = numpy.cumsum(numpy.where(occurs, 0, sizes))  # elements of sources before each that do not occur
    renumbered = numpy.where(numbers <= CONSTANT, ZERO, numbers)
    renumbered[inside] -= left_out[which]
    names = tuple(sources.names[number] for number in numpy.flatnonzero(occurs))
    return Exit(name, names, renumbered, constants.values(numbers), computes)
