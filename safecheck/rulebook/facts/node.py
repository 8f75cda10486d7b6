"""Facts about an ONNX node: what the lowering conditions and the mistranslation rules ask.

Every function is total: a malformed node gives UNKNOWN, never an exception. `of` names the attribute or the input
positions a question is about.
"""

from __future__ import annotations

from math import prod

from safecheck.ir import schemas
from safecheck.ir.signature import UNKNOWN, FactValue, Signature, Tensor, Unknown
from safecheck.ir.walk import domain_of

Positions = tuple[int, ...]


def opset(node: Signature) -> FactValue:
    """Version of the operator set that the parser takes the node for."""
    return node.opset if node.opset > 0 else UNKNOWN


def op_type(node: Signature) -> FactValue:
    """Operator name."""
    return node.op_type


def domain(node: Signature) -> FactValue:
    """Operator domain; `ai.onnx` is the empty string."""
    return domain_of(node)


def defined(node: Signature) -> FactValue:
    """Whether ONNX has the operator in the operator set that the model imports; true of names that it never had.

    So does GroupNormalization of 18 to 20: its text was deprecated for its scale and bias, and is clear all the same.
    """
    if domain_of(node) or node.opset < 1:
        return True
    schema, meant = schemas.schema_of(node.op_type, "", node.opset), schemas.meant(node.op_type, node.opset)
    return meant is None or schema is meant or (schema is not None and node.op_type == "GroupNormalization")


def attribute(node: Signature, name: str) -> FactValue:
    """Effective value of an attribute: as written, else the ONNX default of the node's opset."""
    for key, value in node.attributes:
        if key == name:
            return value
    return schemas.default(node.op_type, domain_of(node), node.opset, name)


def written(node: Signature, name: str) -> bool:
    """Whether the attribute is written on the node."""
    for key, _ in node.attributes:  # noqa: SIM110 - asked of every node several times
        if key == name:
            return True
    return False


def _present(node: Signature, positions: Positions) -> list[Tensor]:
    found = [node.inputs[index] for index in positions if index < len(node.inputs)]
    return [tensor for tensor in found if tensor is not None]


def present(node: Signature, positions: Positions) -> FactValue:
    """Whether all of these inputs are given."""
    return len(_present(node, positions)) == len(positions)


def spelled(node: Signature, positions: Positions) -> FactValue:
    """Whether all of these inputs are written, by a name or by an empty one, which omits them."""
    return all(position < len(node.inputs) for position in positions)


def blank(node: Signature, positions: Positions) -> bool:
    """Whether one of these inputs is written with an empty name, which leaves it out."""
    return any(position < len(node.inputs) and node.inputs[position] is None for position in positions)


def network_input(node: Signature, positions: Positions) -> FactValue:
    """Whether any of these inputs is an input of the whole network."""
    return any(tensor.network_input for tensor in _present(node, positions))


def constant(node: Signature, positions: Positions) -> FactValue:
    """Whether these inputs, as far as given, are constants."""
    return all(tensor.constant for tensor in _present(node, positions))


def fixed(node: Signature, positions: Positions) -> FactValue:
    """Whether these inputs, as far as given, are constants or are computed from constants and fixed shapes only."""
    return all(tensor.constant or tensor.computed != () for tensor in _present(node, positions))


def static(node: Signature, positions: Positions) -> FactValue:
    """Whether these inputs, as far as given, have only fixed dimensions."""
    answer: FactValue = True
    for tensor in _present(node, positions):
        if tensor.shape is None or None in tensor.shape:
            answer = UNKNOWN
        elif any(isinstance(dim, str) for dim in tensor.shape):
            return False
    return answer


def dtype(node: Signature, positions: Positions) -> FactValue:
    """Element types of these inputs, as far as given."""
    types = tuple(UNKNOWN if tensor.dtype is None else tensor.dtype for tensor in _present(node, positions))
    return types or UNKNOWN


def rank(node: Signature, positions: Positions) -> FactValue:
    """Ranks of these inputs, as far as given."""
    return tuple(tensor.rank for tensor in _present(node, positions)) or UNKNOWN


def value(node: Signature, positions: Positions) -> FactValue:
    """Elements of these constant inputs, one after the other."""
    elements: list[bool | int | float | str] = []
    for tensor in _present(node, positions):
        if tensor.values is None:
            return UNKNOWN
        elements += tensor.values
    return tuple(elements) or UNKNOWN


def element_count(node: Signature, positions: Positions) -> FactValue:
    """Number of elements of each of these inputs, as far as given."""
    return tuple(_volume(tensor) for tensor in _present(node, positions)) or UNKNOWN


def _volume(tensor: Tensor) -> int | Unknown:
    dims = tensor.dims
    if dims is UNKNOWN:
        return UNKNOWN
    return prod(dims)


def input_count(node: Signature) -> FactValue:
    """Number of given inputs."""
    return sum(tensor is not None for tensor in node.inputs)


def output_count(node: Signature) -> FactValue:
    """Number of named outputs."""
    return sum(tensor is not None for tensor in node.outputs)


def unnamed_outputs(node: Signature) -> FactValue:
    """Number of outputs that are written with an empty name; of a graph, of those of all its nodes."""
    return sum(tensor is None for tensor in node.outputs)


def produces_output(node: Signature) -> FactValue:
    """Whether an output of the main graph comes straight from the node."""
    return node.is_output


def computes_constant(node: Signature) -> FactValue:
    """Whether the node computes a constant from nothing but constants."""
    return not node.static_shapes_only and any(tensor is not None and bool(tensor.computed) for tensor in node.outputs)


def types_of_tensors(node: Signature) -> FactValue:
    """Element types of all inputs and outputs that are tensors of a known type."""
    known = {tensor.dtype for tensor in (*node.inputs, *node.outputs) if tensor is not None and tensor.dtype}
    return tuple(sorted(known)) or UNKNOWN


def idiom(node: Signature) -> FactValue:
    """Name of the exporter idiom that the node belongs to, or the empty string."""
    return node.idiom


def beside_slice_or_concat(node: Signature) -> FactValue:
    """Whether a Reshape takes its data from a Slice, Split or Concat, or hands its result to one."""
    return node.op_type == "Reshape" and bool(node.beside)


def beside_other_cumsum(node: Signature) -> FactValue:
    """Whether the graph of a CumSum has another one along another axis or in another way."""
    return "CumSum" in node.beside


def after_biased_product(node: Signature) -> FactValue:
    """Whether a Clip takes the sum of a MatMul and something else."""
    return "MatMul" in node.beside
