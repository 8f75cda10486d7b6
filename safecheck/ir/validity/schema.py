"""A node against the schema of its operator, which is onnx's own: arity, attributes, element types."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from safecheck.ir.schemas import Operand, Schema, schema_of
from safecheck.ir.signature import UNKNOWN, FactValue, Signature, Tensor
from safecheck.ir.walk import is_standard
from safecheck.text import printable


def breach(node: Signature) -> str | None:
    """What the schema forbids, in words; None if nothing."""
    schema = schema_of(node.op_type, "", node.opset) if is_standard(node) else None
    if schema is None or schema.deprecated:
        return None
    return next(_breaches(node, schema), None)


def _breaches(node: Signature, schema: Schema) -> Iterator[str]:
    least, most, fewest, largest = schema.arity
    if not least <= len(node.inputs) <= most:
        yield f"{len(node.inputs)} inputs, but {node.op_type} takes {_range(least, most)}"
    if not fewest <= len(node.outputs) <= largest:
        yield f"{len(node.outputs)} outputs, but {node.op_type} has {_range(fewest, largest)}"
    elif node.op_type == "BatchNormalization" and len(node.outputs) not in (fewest, largest):
        yield f"{len(node.outputs)} outputs, but {node.op_type} has {fewest} or {largest}"
    for operand, tensor in zip(schema.inputs, node.inputs, strict=False):
        if tensor is None and not operand.optional:
            yield f"input {operand.name} is left out, but it is required"
    repeated = len(schema.inputs) if schema.repeats[0] else len(node.inputs)
    if None in node.inputs[repeated:]:
        yield f"input {node.inputs.index(None, repeated)} is left out, but {schema.inputs[-1].name} has no gaps"
    for operand, tensor in zip(schema.outputs, node.outputs, strict=False):
        if tensor is None and not operand.optional:
            yield f"output {operand.name} has no name, but it is required"
    yield from _attributes(dict(node.attributes), schema)
    yield from _words(node)
    if node.op_type == "Constant":
        yield from _values_of_constant(dict(node.attributes))
    bound: dict[str, tuple[str, str]] = {}
    for formal, repeats, given in (
        (schema.inputs, schema.repeats[0], node.inputs),
        (schema.outputs, schema.repeats[1], node.outputs),
    ):
        yield from _types(formal, repeats, given, bound)


def _attributes(given: dict[str, FactValue], schema: Schema) -> Iterator[str]:
    for name, value in given.items():
        if name not in schema.attributes:
            yield f"attribute {printable(name, 60)} is none of this operator"
            continue
        wanted = schema.attributes[name].type
        found = _type_of(value)
        if found is not None and wanted not in found:
            yield f"attribute {name} is of type {found[0]}, but {wanted} is asked for"
    for name, declared in schema.attributes.items():
        if declared.required and name not in given:
            yield f"attribute {name} is required and missing"


_WORDS: dict[tuple[str, str], dict[int, tuple[str, ...]]] = {
    ("Cast", "round_mode"): {1: ("down", "nearest", "up")},
    ("CastLike", "round_mode"): {1: ("down", "nearest", "up")},
    ("DepthToSpace", "mode"): {1: ("CRD", "DCR")},
    ("Gelu", "approximate"): {1: ("none", "tanh")},
    ("GridSample", "mode"): {20: ("cubic", "linear", "nearest"), 1: ("bicubic", "bilinear", "nearest")},
    ("SpaceToDepth", "mode"): {1: ("CRD", "DCR")},
}
"""What these attributes may say, by the operator set that brought the words, the latest first: in a schema that stands
in the text alone. Other words are left to the rules."""


def _words(node: Signature) -> Iterator[str]:
    for name, value in node.attributes:
        forms = _WORDS.get((node.op_type, name), {})
        allowed = next((words for since, words in forms.items() if since <= node.opset), None)
        if allowed and isinstance(value, str) and value not in allowed:
            yield f"{name} is '{printable(value, 40)}', but it must be one of {', '.join(allowed)}"


def _values_of_constant(given: dict[str, FactValue]) -> Iterator[str]:
    """A Constant has exactly one of its attributes."""
    if len(given) > 1:
        yield f"{len(given)} values are given ({', '.join(given)}), but a Constant has one"


def _type_of(value: FactValue) -> tuple[str, ...] | None:
    """Types that an attribute of this value may have; None if that is not known."""
    if value is UNKNOWN:
        return None
    if isinstance(value, tuple):
        if not value or any(part is UNKNOWN for part in value):
            return None
        first = value[0]
        return ("STRINGS",) if isinstance(first, str) else ("FLOATS",) if isinstance(first, float) else ("INTS",)
    return ("STRING",) if isinstance(value, str) else ("FLOAT",) if isinstance(value, float) else ("INT",)


def _types(
    formal: Sequence[Operand], repeats: bool, given: Sequence[Tensor | None], bound: dict[str, tuple[str, str]]
) -> Iterator[str]:
    for position, tensor in enumerate(given):
        if tensor is None or tensor.dtype is None or not formal or (position >= len(formal) and not repeats):
            continue
        operand = formal[min(position, len(formal) - 1)]
        if operand.types and tensor.dtype not in operand.types:
            yield f"{operand.name} is {tensor.dtype}, which the operator is not defined for"
        if operand.variable:
            name, dtype = bound.setdefault(operand.variable, (operand.name, tensor.dtype))
            if dtype != tensor.dtype:
                yield f"{operand.name} is {tensor.dtype}, but {name} is {dtype}, and both must be of one type"


def _range(least: int, most: int) -> str:
    if least == most:
        return str(least)
    return f"at least {least}" if most > 1000 else f"{least} to {most}"
