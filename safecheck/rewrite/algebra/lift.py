"""Four dimensions for values that have fewer, or more with leading ones: which values, and what is written for them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from safecheck.rewrite.builder import Builder
from safecheck.rewrite.graph import MutableGraph

RANK = 4


def is_liftable(graph: MutableGraph, name: str) -> bool:
    """Whether a value is computed, does not have four dimensions, and would be the same with four of them."""
    dims = graph.dims(name)
    return dims is not None and name not in graph.initializers and graph.tensor(name).dtype is not None and lifts(dims)


def lifts(dims: Sequence[int]) -> bool:
    """Whether a shape is another one with four dimensions, by ones in front."""
    return len(dims) < RANK or (len(dims) > RANK and all(dim == 1 for dim in dims[:-RANK]))


class Lift:
    """Writes lifted nodes."""

    def __init__(self, graph: MutableGraph, hint: str) -> None:
        self.graph = graph
        self.builder = Builder(graph, hint)
        self._raised: dict[str, str] = {}
        self._lowered: dict[str, str] = {}

    def dims(self, name: str) -> tuple[int, ...]:
        """The lifted dimensions of a value; those of a value that is not lifted are its own."""
        dims = self.graph.dims(name) or ()
        shift = self.shift(name)
        return (1,) * shift + dims[max(0, -shift) :]

    def shift(self, name: str) -> int:
        """How many dimensions are prepended; negative if leading ones are dropped."""
        dims = self.graph.dims(name) or ()
        return RANK - len(dims) if lifts(dims) else 0

    def knows(self, name: str) -> bool:
        """Whether the lifted value is there already."""
        return name in self._raised

    def raised(self, name: str) -> str:
        """The lifted value; what comes from outside is reshaped once, a constant gets another shape."""
        if name in self._raised or not name:
            return self._raised.get(name, name)
        array = self.graph.constant(name)
        if not self.shift(name):
            self._raised[name] = name
        elif array is not None:
            self._raised[name] = self.builder.constant(array.reshape(self.dims(name)))
        else:
            self._raised[name] = self.builder.reshape(name, self.dims(name))
        return self._raised[name]

    def lowered(self, name: str) -> str:
        """A value with the dimensions it has outside of the island."""
        if name not in self._lowered:
            lifted = self._raised[name]
            self._lowered[name] = (
                self.builder.reshape(lifted, self.graph.dims(name) or ()) if self.shift(name) else lifted
            )
        return self._lowered[name]

    def make(self, node: Any, inputs: Sequence[str], **changed: Any) -> None:
        """The operator on given inputs, some attributes changed."""
        made = self.builder.again(node, inputs, **changed)
        self._raised.update({old: new for old, new in zip(node.output, made, strict=True) if old})

    def settle(self, node: Any, value: str) -> None:
        """Say which value is the lifted result of a node with one result."""
        self._raised[node.output[0]] = value

    def reshaped(self, value: str, dims: Sequence[int], wanted: Sequence[int]) -> str:
        """A value of some dimensions with the wanted ones."""
        return value if tuple(dims) == tuple(wanted) else self.builder.reshape(value, wanted)

    def integers(self, values: Sequence[int]) -> str:
        """An INT64 operand."""
        import numpy

        return self.builder.constant(numpy.array(list(values), numpy.int64))
