"""What the operators of a network are called, by words that a reader knows, and which nodes belong to one operator."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from safecheck.ir.composites import composites
from safecheck.ir.graph import OpNode
from safecheck.ir.signature import Tensor
from safecheck.ir.signatures import Occurrence
from safecheck.text import printable

MOVEMENT = "data movement"
ELEMENTWISE = "elementwise arithmetic"
WITH_WEIGHTS = "products with weights"
OF_ACTIVATIONS = "products of activations"
CONSTANTS = "computed constants"

# fmt: off
_MOVING = frozenset({
    "Reshape", "Transpose", "Squeeze", "Unsqueeze", "Flatten", "Slice", "Concat", "Split", "Gather", "GatherElements",
    "GatherND", "Scatter", "ScatterElements", "ScatterND", "Pad", "Expand", "Tile", "DepthToSpace", "SpaceToDepth",
    "Identity", "ReverseSequence", "Dropout",
})
# fmt: on
_INDEXED = frozenset({"Gather", "GatherElements", "GatherND", "ScatterElements", "ScatterND"})
_BY_ELEMENT = frozenset({"Add", "Sub", "Mul", "Div", "Sum", "Mean", "Neg"})
_PRODUCTS = frozenset({"MatMul", "Gemm", "Einsum"})


class Part(NamedTuple):
    """Where a node belongs."""

    what: str
    """The operator in words: `LayerNormalization`, `products of activations`, an operator of the file."""
    whole: int
    """Position of the first node of the same operator; a node that is an operator of its own has its own position."""


def parts(nodes: Sequence[Occurrence]) -> tuple[Part, ...]:
    """For each node what it is part of; what an exporter wrote out is one operator, as is a product with its bias."""
    found: list[Part | None] = [None] * len(nodes)
    places = {id(occurrence.node): position for position, occurrence in enumerate(nodes)}
    for composite in composites(occurrence.node for occurrence in nodes):
        positions = [places[id(node)] for node in composite.nodes if id(node) in places]
        for position in positions:
            found[position] = Part(composite.name, min(positions))
    kinds: dict[tuple[int, bool], str] = {}  # by the signature, which is one object for all nodes alike
    for position, occurrence in enumerate(nodes):
        part = found[position]
        if part is None:
            alike = id(occurrence.signature), occurrence.fixed
            what = kinds.get(alike) or kinds.setdefault(alike, kind(occurrence))
            part = found[position] = Part(what, position)
        if part == (WITH_WEIGHTS, position) and (bias := _bias(occurrence)) is not None:
            at = places.get(id(bias))
            if at is not None and found[at] is None and any(_known(operand) for operand in nodes[at].operands):
                found[at] = Part(WITH_WEIGHTS, position)
    return tuple([part for part in found if part is not None])


def kind(occurrence: Occurrence) -> str:
    """What a node that is an operator of its own is called."""
    _, signature, _, fixed, operands = occurrence
    name, domain = signature.op_type, signature.domain
    if domain not in ("", "ai.onnx"):
        return f"{printable(domain, 60)}::{printable(name, 60)}"
    if fixed:
        return CONSTANTS
    if name in _PRODUCTS:
        return WITH_WEIGHTS if any(map(_known, operands[:2])) else OF_ACTIVATIONS
    if name in _INDEXED and not _known(operands[1] if len(operands) > 1 else None):
        return name  # where it reads depends on data: this moves nothing to a fixed place
    return MOVEMENT if name in _MOVING else ELEMENTWISE if name in _BY_ELEMENT else printable(name, 60)


def _known(operand: Tensor | None) -> bool:
    """Whether an operand is a constant, or computed from constants."""
    return operand is not None and (operand.constant or bool(operand.computed))


def _bias(product: Occurrence) -> OpNode | None:
    """The sum that alone reads a product; None if there is none."""
    node = product.node
    readers = node.scope.readers.get(node.outputs[0], ()) if node.outputs else ()
    return readers[0] if len(readers) == 1 and readers[0].op_type == "Add" else None
