"""Groups of layers that many importers add around the operator's own layer.

A pattern knows which tensors its layers see; which layer types it is made of in a release is data. Patterns read and
may rebind the operands: after `broadcast` the operator's own layer sees operands of equal rank.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

from safecheck.form import UNKNOWN, UNKNOWN_TENSOR, Layer, NodeForm, Tensor


@dataclass(slots=True)
class Operands:
    """The tensors of one node while it is being lowered, by their names in the lowering files."""

    node: NodeForm
    rebound: dict[str, Tensor] = field(default_factory=dict)

    def tensor(self, name: str) -> Tensor | None:
        """`in0`, `out1`, `shape` (integer vector), `scalar` or `?`; None for an omitted input or output."""
        if name in self.rebound:
            return self.rebound[name]
        if name == "shape":
            return Tensor("INT32", (None,))
        if name == "scalar":
            return Tensor("FLOAT", ())
        if name == "?":
            return UNKNOWN_TENSOR
        side = self.node.inputs if name.startswith("in") else self.node.outputs
        position = int(name.lstrip("inout"))
        return side[position] if position < len(side) else None

    def given(self, names: tuple[str, ...]) -> list[tuple[str, Tensor]]:
        """The named tensors that are not omitted."""
        found = [(name, self.tensor(name)) for name in names]
        return [(name, tensor) for name, tensor in found if tensor is not None]

    def all_inputs(self) -> tuple[str, ...]:
        """Names of all inputs."""
        return tuple(f"in{position}" for position in range(len(self.node.inputs)))


Pattern: TypeAlias = Callable[[Operands, tuple[str, ...], tuple[str, ...]], Iterator[Layer]]


def constants(operands: Operands, names: tuple[str, ...], types: tuple[str, ...]) -> Iterator[Layer]:
    """An initializer that is consumed as a tensor becomes a constant layer."""
    for _, tensor in operands.given(names):
        if tensor.constant:
            for type_ in types:
                yield Layer(type_, None, operands.node, (), (tensor,), "constant operand")


def broadcast(operands: Operands, names: tuple[str, ...], types: tuple[str, ...]) -> Iterator[Layer]:
    """Operands of lower rank get leading dimensions of 1."""
    given = operands.given(names)
    ranks = [tensor.rank for _, tensor in given]
    if UNKNOWN in ranks:
        operands.rebound.update(dict.fromkeys((name for name, _ in given), UNKNOWN_TENSOR))
        for type_ in types:
            yield Layer(
                type_, None, operands.node, (UNKNOWN_TENSOR,), (UNKNOWN_TENSOR,), "rank broadcast", certain=False
            )
        return
    highest = max((len(tensor.shape) for _, tensor in given if tensor.shape is not None), default=0)
    for name, tensor in given:
        if tensor.shape is not None and len(tensor.shape) < highest:
            padded = tensor._replace(shape=(1,) * (highest - len(tensor.shape)) + tensor.shape)
            operands.rebound[name] = padded
            for type_ in types:
                yield Layer(type_, None, operands.node, (tensor,), (padded,), "rank broadcast")


def wrap_1d(operands: Operands, _: tuple[str, ...], types: tuple[str, ...]) -> Iterator[Layer]:
    """A 3-D input gets a unit dimension before a window layer and loses it after."""
    data = operands.tensor("in0") or UNKNOWN_TENSOR
    if data.shape is not None and len(data.shape) != 3:
        return
    certain = data.shape is not None
    for name in ("in0", "out0"):
        narrow = operands.tensor(name) or UNKNOWN_TENSOR
        wide = narrow._replace(shape=None if narrow.shape is None else (*narrow.shape, 1))
        operands.rebound[name] = wide if certain else UNKNOWN_TENSOR
        pair = (narrow, wide) if name == "in0" else (wide, narrow)
        for type_ in types:
            yield Layer(type_, None, operands.node, pair[:1], pair[1:], "1-D window", certain)


def shape_arithmetic(operands: Operands, names: tuple[str, ...], types: tuple[str, ...]) -> Iterator[Layer]:
    """A dimension that the importer needs is not known at parse time, so it is computed in the network."""
    tensors = [tensor for _, tensor in operands.given(names)]
    if all(tensor.dims is not UNKNOWN for tensor in tensors):
        return
    certain = any(isinstance(dim, str) for tensor in tensors for dim in tensor.shape or ())
    for type_ in types:
        yield Layer(type_, None, operands.node, (UNKNOWN_TENSOR,), (UNKNOWN_TENSOR,), "shape arithmetic", certain)


def _reshape_of(role: str) -> Pattern:
    def pattern(operands: Operands, names: tuple[str, ...], types: tuple[str, ...]) -> Iterator[Layer]:
        for _, tensor in operands.given(names):
            for type_ in types:
                yield Layer(type_, None, operands.node, (tensor,), (UNKNOWN_TENSOR,), role)

    return pattern


PATTERNS: dict[str, Pattern] = {
    "constants": constants,
    "broadcast": broadcast,
    "wrap_1d": wrap_1d,
    "shape_arithmetic": shape_arithmetic,
    "unsqueeze": _reshape_of("unsqueeze"),
    "squeeze": _reshape_of("squeeze"),
    "scalarize": _reshape_of("scalarize"),
    "cast": _reshape_of("type conversion"),
}
