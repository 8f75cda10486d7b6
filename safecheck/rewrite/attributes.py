"""Read what a node says, in whichever way its operator set spells it."""

from __future__ import annotations

from typing import Any

from safecheck.rewrite.graph import MutableGraph


def attribute(node: Any, name: str) -> Any | None:
    """The AttributeProto of that name."""
    return next((part for part in node.attribute if part.name == name), None)


def integer(node: Any, name: str, default: int) -> int:
    """An integer attribute."""
    found = attribute(node, name)
    return default if found is None else int(found.i)


def integers(node: Any, name: str) -> tuple[int, ...] | None:
    """An integer list attribute; None if it is not written."""
    found = attribute(node, name)
    return None if found is None else tuple(int(value) for value in found.ints)


def text(node: Any, name: str, default: str) -> str:
    """A string attribute."""
    found = attribute(node, name)
    return default if found is None else found.s.decode("utf-8", "replace")


def operand(graph: MutableGraph, node: Any, position: int) -> tuple[int, ...] | None:
    """The integers of a constant operand, flat; None if it is computed. Omitted operands are an empty tuple."""
    if position >= len(node.input) or not node.input[position]:
        return ()
    array = graph.constant(node.input[position])
    return None if array is None else tuple(int(value) for value in array.reshape(-1))


def axes_of(
    graph: MutableGraph, node: Any, rank: int, default: tuple[int, ...] | None = None
) -> tuple[int, ...] | None:
    """Axes from the attribute or the second operand, sorted and not negative; all (or `default`) if none are given."""
    axes = integers(node, "axes")
    if axes is None:
        axes = operand(graph, node, 1)
    if axes is None:
        return None
    if not axes and integer(node, "noop_with_empty_axes", 0):
        return ()
    chosen = axes or (tuple(range(rank)) if default is None else default)
    return tuple(sorted(axis % rank for axis in chosen)) if rank else ()
