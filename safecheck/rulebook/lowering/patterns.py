"""Groups of layers that many importers add around the operator's own layer.

A pattern knows which tensors its layers see; which layer types it is made of in a release is data. Patterns read and
may rebind the operands: after `broadcast` the operator's own layer sees operands of equal rank.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TypeAlias

from safecheck.ir.signature import UNKNOWN, UNKNOWN_TENSOR, Layer, Signature, Tensor
from safecheck.values import dataclass, field


@dataclass(slots=True)
class Operands:
    """The tensors of one node while it is being lowered, by their names in the lowering files."""

    node: Signature
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


Pattern: TypeAlias = Callable[[Operands, tuple[str, ...], Mapping[str, tuple[str, ...]]], Iterator[Layer]]
"""Takes the operands, the names of those it is about, and the layer types of every pattern in the release."""

_AXES = Tensor("INT32", (None,))


def _layers(
    operands: Operands, types: tuple[str, ...], given: Tensor, result: Tensor, role: str, certain: bool = True
) -> Iterator[Layer]:
    """One layer per type, all with the same tensors; where a constant is among them, it is an operand of the others."""
    axes = (_AXES,) if "IConstantLayer" in types else ()
    for type_ in types:
        inputs, outputs = ((), axes) if type_ == "IConstantLayer" else ((given, *axes), (result,))
        yield Layer(type_, None, operands.node, inputs, outputs, role, certain)


def constants(operands: Operands, names: tuple[str, ...], types: Mapping[str, tuple[str, ...]]) -> Iterator[Layer]:
    """An initializer that is consumed as a tensor becomes a constant layer."""
    for _, tensor in operands.given(names):
        if tensor.constant:
            for type_ in types["constants"]:
                yield Layer(type_, None, operands.node, (), (tensor,), "constant operand")


def broadcast(operands: Operands, names: tuple[str, ...], types: Mapping[str, tuple[str, ...]]) -> Iterator[Layer]:
    """Operands of lower rank get leading dimensions of 1."""
    given = operands.given(names)
    ranks = [tensor.rank for _, tensor in given]
    if UNKNOWN in ranks:
        operands.rebound.update(dict.fromkeys((name for name, _ in given), UNKNOWN_TENSOR))
        yield from _layers(
            operands, types["broadcast"], UNKNOWN_TENSOR, UNKNOWN_TENSOR, "rank broadcast", certain=False
        )
        return
    highest = max((len(tensor.shape) for _, tensor in given if tensor.shape is not None), default=0)
    for name, tensor in given:
        if tensor.shape is not None and len(tensor.shape) < highest:
            padded = tensor._replace(shape=(1,) * (highest - len(tensor.shape)) + tensor.shape)
            operands.rebound[name] = padded
            yield from _layers(operands, types["broadcast"], tensor, padded, "rank broadcast")


def _wrapped(name: str, rank: int, role: str) -> Pattern:
    """The data gets a unit dimension before the operator's layer and loses it after."""

    def pattern(operands: Operands, _: tuple[str, ...], types: Mapping[str, tuple[str, ...]]) -> Iterator[Layer]:
        before, after = (types.get(name, ()),) * 2 if name in types or name == "wrap_0d" else _around(types)
        data = operands.tensor("in0") or UNKNOWN_TENSOR
        if not before or (data.shape is not None and len(data.shape) != rank):
            return
        certain = data.shape is not None
        for operand, layers in (("in0", before), ("out0", after)):
            narrow = operands.tensor(operand) or UNKNOWN_TENSOR
            wide = narrow._replace(shape=None if narrow.shape is None else (*narrow.shape, 1))
            operands.rebound[operand] = wide if certain else UNKNOWN_TENSOR
            pair = (narrow, wide) if operand == "in0" else (wide, narrow)
            yield from _layers(operands, layers, *pair, role, certain)

    return pattern


def _around(types: Mapping[str, tuple[str, ...]]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    return types["unsqueeze"], types["squeeze"]


def shape_arithmetic(
    operands: Operands, names: tuple[str, ...], types: Mapping[str, tuple[str, ...]]
) -> Iterator[Layer]:
    """A dimension that the importer needs is not known at parse time, so it is computed in the network."""
    tensors = [tensor for _, tensor in operands.given(names)]
    if all(tensor.dims is not UNKNOWN for tensor in tensors):
        return
    certain = any(isinstance(dim, str) for tensor in tensors for dim in tensor.shape or ())
    for type_ in types["shape_arithmetic"]:
        yield Layer(type_, None, operands.node, (UNKNOWN_TENSOR,), (UNKNOWN_TENSOR,), "shape arithmetic", certain)


def _reshape_of(name: str, role: str) -> Pattern:
    def pattern(operands: Operands, names: tuple[str, ...], types: Mapping[str, tuple[str, ...]]) -> Iterator[Layer]:
        for _, tensor in operands.given(names):
            yield from _layers(operands, types[name], tensor, UNKNOWN_TENSOR, role)

    return pattern


def _converted(name: str, wide: str, narrow: str) -> Pattern:
    """Operands of the wide type become narrow before the operator's layer, results narrow ones wide after it."""

    def pattern(operands: Operands, names: tuple[str, ...], types: Mapping[str, tuple[str, ...]]) -> Iterator[Layer]:
        layers = types.get(name, ())
        for operand, tensor in operands.given(names) if layers else ():
            if tensor.dtype not in (wide, None):
                continue
            changed = tensor._replace(dtype=narrow)
            pair = (tensor, changed) if operand.startswith("in") else (changed, tensor)
            certain = tensor.dtype is not None
            yield from _layers(operands, layers, *pair, "type conversion", certain)
            operands.rebound[operand] = changed if certain else tensor._replace(dtype=None)

    return pattern


PATTERNS: dict[str, Pattern] = {
    "constants": constants,
    "broadcast": broadcast,
    "wrap_0d": _wrapped("wrap_0d", 0, "rank-0 data"),
    "wrap_1d": _wrapped("wrap_1d", 3, "1-D window"),
    "shape_arithmetic": shape_arithmetic,
    "unsqueeze": _reshape_of("unsqueeze", "unsqueeze"),
    "squeeze": _reshape_of("squeeze", "squeeze"),
    "scalarize": _reshape_of("scalarize", "scalarize"),
    "cast": _reshape_of("cast", "type conversion"),
    "indices": _converted("indices", "INT64", "INT32"),
}
OPTIONAL = ("wrap_0d", "wrap_1d", "indices")
"""Patterns that a release may leave out: 1-D windows then use `unsqueeze` and `squeeze`, the others add nothing."""
