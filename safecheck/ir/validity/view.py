"""A node as the checks of its operands read it, and the few things that several of them ask."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import zip_longest
from typing import TypeAlias

from safecheck.ir import schemas
from safecheck.ir.signature import FactValue, Signature, Tensor

Dims: TypeAlias = tuple[int | str | None, ...]
_INTEGER = frozenset({int})


class Operands:
    """A node as these checks read it."""

    def __init__(self, node: Signature) -> None:
        self.node = node
        self._attributes = dict(node.attributes)

    def shape(self, position: int) -> Dims | None:
        """The shape of an input; None if there is none or its rank is not known."""
        tensor = self.tensor(position)
        return None if tensor is None else tensor.shape

    def tensor(self, position: int) -> Tensor | None:
        """An input; None if it is left out."""
        return self.node.inputs[position] if position < len(self.node.inputs) else None

    def result(self) -> Dims | None:
        """The shape of the first output."""
        first = self.node.outputs[0] if self.node.outputs else None
        return None if first is None else first.shape

    def attribute(self, name: str) -> FactValue:
        """An attribute as written, or its default in ONNX; UNKNOWN if it has none."""
        if name in self._attributes:
            value = self._attributes[name]
            return value
        return schemas.default(self.node.op_type, "", self.node.opset, name)

    def number(self, name: str) -> int | None:
        """An integer attribute; None if it is not known."""
        value = self.attribute(name)
        return value if type(value) is int else None

    def numbers(self, name: str) -> tuple[int, ...] | None:
        """A written list of integers; None if it is not there or not known."""
        value = self._attributes.get(name)
        return value if isinstance(value, tuple) and _INTEGER.issuperset(map(type, value)) else None  # type: ignore[return-value]

    def values(self, position: int) -> tuple[int, ...] | None:
        """The elements of a small constant operand of integers; None if they are not known."""
        tensor = self.tensor(position)
        values = None if tensor is None else tensor.values
        return values if values is not None and _INTEGER.issuperset(map(type, values)) else None  # type: ignore[return-value]

    def reach(self, position: int) -> tuple[int, ...] | None:
        """Those elements; of a constant too large for that the smallest and the largest of each column."""
        found = self.values(position)
        tensor = self.tensor(position)
        return found if found is not None or tensor is None else tensor.extent or None


def known_int(shape: Dims | None, axis: int) -> int | None:
    """One dimension, if it is a number."""
    if shape is None or not -len(shape) <= axis < len(shape):
        return None
    dim = shape[axis]
    return dim if type(dim) is int else None


def fixed(shape: Dims | None) -> tuple[int, ...] | None:
    """The shape, if every dimension is a number."""
    return shape if shape is not None and _INTEGER.issuperset(map(type, shape)) else None  # type: ignore[return-value]


def words(shape: Dims) -> str:
    """A shape as `1x3x?`; empty for a scalar."""
    return "x".join("?" if dim is None else str(dim) for dim in shape)


def length(view: Operands, position: int, name: str, wanted: int | None, why: str) -> Iterator[str]:
    """A vector must have a certain length."""
    shape = view.shape(position)
    if shape is None:
        return
    if len(shape) != 1:
        yield f"{name} has rank {len(shape)}, but it must be a vector"
    elif (found := known_int(shape, 0)) is not None and wanted is not None and found != wanted:
        yield f"{name} has {found} elements, but {why} {wanted}"


def stretches(shape: Dims | None, target: Dims | None, name: str, other: str) -> Iterator[str]:
    """A shape must stretch to a target without changing it (unidirectional broadcasting)."""
    if shape is None or target is None:
        return
    if len(shape) > len(target):
        yield f"{name} has rank {len(shape)}, but {other} has rank {len(target)}"
        return
    for dim, wanted in zip(reversed(shape), reversed(target), strict=False):
        if type(dim) is int and type(wanted) is int and dim not in (1, wanted):
            yield f"{name} is {words(shape)}, which does not stretch to {words(target)} of {other}"
            return


def together(shapes: list[Dims]) -> Iterator[str]:
    """Shapes must stretch to a common one (multidirectional broadcasting)."""
    for dims in zip_longest(*(tuple(reversed(shape)) for shape in shapes), fillvalue=1):
        known = {dim for dim in dims if type(dim) is int and dim != 1}
        if len(known) > 1:
            yield f"shapes {' and '.join(map(words, shapes))} do not stretch to a common one"
            return


Check: TypeAlias = Callable[[Operands], Iterator[str]]
"""What contradicts each other in a node, in words; nothing where that is not known."""
