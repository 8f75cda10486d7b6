"""Apply a lowering table to the signature of a node."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

from safecheck.finding import Grade
from safecheck.ir.signature import UNKNOWN, Layer, Signature, Tensor
from safecheck.ir.walk import is_standard
from safecheck.rulebook.facts.node import blank
from safecheck.rulebook.lowering.patterns import PATTERNS, Operands
from safecheck.rulebook.lowering.table import Operator, Step, Table, Variant

# What keeps a node from becoming layers at all is judged by rules like everything else, as a layer of these types.
REFUSED = "parser:refused"
UNSUPPORTED = "parser:unsupported"
NO_IMPORTER = "parser:no-importer"
TENSOR_TYPE = "parser:tensor-type"
OPERATOR_TYPE = "parser:operator-type"
SHAPE_ARITHMETIC = "parser:shape-arithmetic"

MAX_RANK = 8  # Dims::MAX_DIMS in every release


class Choice(Enum):
    """Why an alternative is a candidate."""

    CERTAIN = "its condition holds"
    WORDED = "its condition is known in words only"
    UNKNOWN = "a fact in its condition is unknown"


class Alternative(NamedTuple):
    """One candidate translation of a node."""

    choice: Choice
    layers: tuple[Layer, ...]
    note: str


class Lowered(NamedTuple):
    """Everything the parser may make of a node."""

    imported: bool
    """Whether the parser has an importer for the operator."""
    alternatives: tuple[Alternative, ...]


def lower(table: Table, node: Signature) -> Lowered:
    """Translate a node as the parser of `table` does.

    The parser dispatches on the operator name alone: the domain is not looked at (onnx-tensorrt ModelImporter, all
    releases read). Operators without an importer end in a plugin lookup.
    """
    operator = table.operator(node.op_type)
    if operator is None:
        return Lowered(False, (Alternative(Choice.CERTAIN, (_missing(table, node),), ""),))
    if node.static_shapes_only:
        return Lowered(True, (Alternative(Choice.CERTAIN, (Layer(SHAPE_ARITHMETIC, None, node, (), ()),), ""),))
    node = _widened(table, node)
    checks = (
        *_type_checks(table, operator, node),
        *refused_ranks(node),
        *_empty_names(table, node),
        *_refusals(operator, node),
    )
    candidates = [
        Alternative(choice, (*checks, *_layers(table, variant, node)), variant.worded)
        for choice, variant in _choose(operator, node)
    ]
    if not candidates:
        nothing = Layer(REFUSED, "no form of the importer fits this node", node, (), (), Grade.INFERRED.value, False)
        candidates = [Alternative(Choice.CERTAIN, (*checks, nothing), "")]
    return Lowered(True, tuple(candidates))


def _widened(table: Table, node: Signature) -> Signature:
    """A node of constants as the parser has it: reading UINT8 constants it makes them INT32.

    Where the result leaves the network its type is that of the file again, which the parser then refuses.
    """
    if "UINT8" not in table.types or node.op_type in ("QuantizeLinear", "DequantizeLinear"):
        return node
    given = [tensor for tensor in node.inputs or node.outputs if tensor is not None]
    if not any(tensor is not None and tensor.dtype == "UINT8" for tensor in (*node.inputs, *node.outputs)):
        return node
    if not all(tensor.constant or tensor.computed for tensor in given):
        return node
    keeps = node.is_output or node.op_type in ("Cast", "CastLike")
    return node._replace(
        inputs=tuple(map(_wide, node.inputs)),
        outputs=node.outputs if keeps else tuple(map(_wide, node.outputs)),
    )


def _wide(tensor: Tensor | None) -> Tensor | None:
    return tensor._replace(dtype="INT32") if tensor is not None and tensor.dtype == "UINT8" else tensor


def _missing(table: Table, node: Signature) -> Layer:
    type_ = UNSUPPORTED if node.op_type in table.unsupported and is_standard(node) else NO_IMPORTER
    return Layer(type_, None, node, (), ())


def _type_checks(table: Table, operator: Operator, node: Signature) -> list[Layer]:
    foreign = {
        tensor for tensor in (*node.inputs, *node.outputs) if tensor is not None and tensor.dtype not in table.types
    }
    found = [
        Layer(TENSOR_TYPE, tensor.dtype, node, (tensor,), (), certain=tensor.dtype is not None) for tensor in foreign
    ]
    first = node.inputs[0] if node.inputs else None
    if operator.types and first is not None and first.dtype in table.types and first.dtype not in operator.types:
        found.append(Layer(OPERATOR_TYPE, first.dtype, node, (first,), ()))
    return sorted(found, key=lambda layer: (layer.type, layer.kind or ""))


def refused_ranks(node: Signature) -> list[Layer]:
    """A refusal where a tensor of the node has more dimensions than TensorRT has room for."""
    ranks = [len(tensor.shape) for tensor in (*node.inputs, *node.outputs) if tensor is not None and tensor.shape]
    high = max(ranks, default=0) > MAX_RANK
    # Of a node that only makes weights no layer is left that would ask for the shape.
    alone = node.op_type != "" and not node.inputs
    open_rank = alone and any(tensor is not None and tensor.shape is None for tensor in node.outputs)
    text = f"A tensor has at most {MAX_RANK} dimensions."
    return [Layer(REFUSED, text, node, (), (), Grade.MEASURED.value, high)] if high or open_rank else []


def _empty_names(table: Table, node: Signature) -> list[Layer]:
    """Refusals of an input or output that is left out by an empty name."""
    left_out = [position for position in table.empty_names.inputs.get(node.op_type, ()) if blank(node, (position,))]
    texts = [f"An empty name for input {position} is taken for a tensor." for position in sorted(left_out)]
    if node.op_type in table.empty_names.outputs and None in node.outputs:
        texts.append("An empty name for an output is rejected.")
    return [Layer(REFUSED, text, node, (), (), Grade.MEASURED.value) for text in texts]


def _refusals(operator: Operator, node: Signature) -> list[Layer]:
    found = []
    for refusal in operator.refuses:
        truth = refusal.when.evaluate(node)
        if truth is not False:
            found.append(Layer(REFUSED, refusal.text, node, (), (), refusal.grade.value, truth is True))
    return found


def _choose(operator: Operator, node: Signature) -> list[tuple[Choice, Variant]]:
    chosen: list[tuple[Choice, Variant]] = []
    for variant in operator.variants:
        truth = variant.when.evaluate(node)
        if truth is False:
            continue
        if truth is UNKNOWN:
            chosen.append((Choice.UNKNOWN, variant))
        elif variant.worded:
            chosen.append((Choice.WORDED, variant))
        else:
            chosen.append((Choice.CERTAIN, variant))
            break
    return chosen


def _layers(table: Table, variant: Variant, node: Signature) -> list[Layer]:
    operands = Operands(node)
    layers: list[Layer] = []
    for step in variant.steps:
        truth = step.when.evaluate(node)
        if truth is not False:
            added = _run(table, step, operands)
            layers += added if truth is True else [layer._replace(certain=False) for layer in added]
    return layers


def _run(table: Table, step: Step, operands: Operands) -> list[Layer]:
    if step.pattern is not None:
        names = operands.all_inputs() if step.inputs is None else step.inputs
        added = list(PATTERNS[step.pattern](operands, names, table.patterns))
        return added if step.outputs is None else [_to(layer, operands, step.outputs) for layer in added]
    assert step.layer is not None
    node = operands.node
    inputs = operands.all_inputs() if step.inputs is None else step.inputs
    outputs = tuple(f"out{position}" for position in range(len(node.outputs))) if step.outputs is None else step.outputs
    return [
        Layer(
            step.layer,
            step.kind,
            node,
            tuple(tensor for _, tensor in operands.given(inputs)),
            tuple(_result(tensor, step.layer == "IConstantLayer") for _, tensor in operands.given(outputs)),
            step.perhaps,
        )
    ]


def _to(layer: Layer, operands: Operands, outputs: tuple[str, ...]) -> Layer:
    """The layer of a pattern with the results that the step names; a constant in the pattern keeps its own."""
    if not layer.inputs:
        return layer
    return layer._replace(outputs=tuple(_result(tensor) for _, tensor in operands.given(outputs)))


def _result(tensor: Tensor, constant: bool = False) -> Tensor:
    return tensor._replace(constant=constant, values=None)
