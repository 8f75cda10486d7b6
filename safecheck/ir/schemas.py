"""ONNX operator schemas, read from the onnx library: operands, attributes and their defaults, which operators exist."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, NamedTuple

from safecheck.intake.once import once
from safecheck.intake.onnx_library import library, messages
from safecheck.ir.signature import UNKNOWN, FactValue


class Operand(NamedTuple):
    """A formal parameter of an operator."""

    name: str
    optional: bool
    """Whether it may be left out, as the last one of several may."""
    variable: str
    """Name of the type variable, which stands for one type in the whole node; empty where the type is fixed."""
    types: frozenset[str]
    """Element types like `FLOAT`; empty if something that is no tensor is allowed, too."""


class Attribute(NamedTuple):
    """What an operator says of one of its attributes."""

    type: str
    """Such as `INTS`."""
    required: bool
    default: FactValue
    """UNKNOWN if it has none."""


class Schema(NamedTuple):
    """What is asked of a schema, as plain values: the library answers every question anew."""

    since: int
    """The operator set that brought this form."""
    deprecated: bool
    inputs: tuple[Operand, ...]
    outputs: tuple[Operand, ...]
    arity: tuple[int, int, int, int]
    """Least and most inputs, least and most outputs."""
    repeats: tuple[bool, bool]
    """Whether the last input and the last output may be there several times."""
    attributes: dict[str, Attribute]


@cache
def schema_of(op_type: str, domain: str, opset: int) -> Schema | None:
    """The schema of an operator at an opset; None if ONNX does not define it."""
    if not domain and (standard := _standard()) is not None:
        return next((form for form in _forms(standard.get(op_type)) if form.since <= opset), None)
    defs = library().defs
    try:
        return _plain(defs.get_schema(op_type, opset, domain))
    except (defs.SchemaError, TypeError, ValueError):
        return None


@cache
def _forms(kept: bytes | None) -> tuple[Schema, ...]:
    """The forms that an operator has had, the latest first; none of one that does not exist."""
    forms: tuple[Schema, ...] = () if kept is None else pickle.loads(kept)
    return forms


@cache
def _standard() -> dict[str, bytes] | None:
    """The forms of all standard operators; a run that asks for two need not read the other two hundred."""
    return once("schemas", __file__, _all_forms)


@cache
def _made() -> dict[str, bytes]:
    """The same where nothing can be kept."""
    return _all_forms()


def _all_forms() -> dict[str, bytes]:
    found: dict[str, list[Schema]] = {}
    for schema in library().defs.get_all_schemas_with_history():
        if not schema.domain:
            found.setdefault(schema.name, []).append(_plain(schema))
    latest_first = {name: sorted(forms, key=lambda form: -form.since) for name, forms in found.items()}
    return {name: pickle.dumps(tuple(forms), 5) for name, forms in latest_first.items()}


def _plain(found: Any) -> Schema:
    allowed = {part.type_param_str: list(part.allowed_type_strs) for part in found.type_constraints}
    return Schema(
        since=int(found.since_version),
        deprecated=bool(found.deprecated),
        inputs=tuple(_operand(part, allowed) for part in found.inputs),
        outputs=tuple(_operand(part, allowed) for part in found.outputs),
        arity=(found.min_input, found.max_input, found.min_output, found.max_output),
        repeats=(_is_variadic(found.inputs), _is_variadic(found.outputs)),
        attributes={
            name: Attribute(part.type.name, bool(part.required), _default(part))
            for name, part in found.attributes.items()
        },
    )


def _is_variadic(formal: Sequence[Any]) -> bool:
    return bool(formal) and formal[-1].option.name == "Variadic"


def _operand(part: Any, allowed: dict[str, list[str]]) -> Operand:
    types = allowed.get(part.type_str, [part.type_str])
    tensors = frozenset(name[7:-1].upper() for name in types if name.startswith("tensor("))
    mixed = part.option.name == "Variadic" and not part.is_homogeneous
    variable = part.type_str if part.type_str in allowed and not mixed else ""
    return Operand(
        part.name, part.option.name != "Single", variable, tensors if len(tensors) == len(types) else frozenset()
    )


def _default(part: Any) -> FactValue:
    if not part._default_value:
        return UNKNOWN
    proto = messages().AttributeProto()
    proto.ParseFromString(part._default_value)
    return attribute_value(proto)


def meant(op_type: str, opset: int) -> Schema | None:
    """What a standard operator can only mean at an opset; None for a name that ONNX never had.

    Of one that is deprecated there it is the form that it had last, of one that came later the first.
    """
    schema = schema_of(op_type, "", opset)
    if schema is not None and not schema.deprecated:
        return schema
    live = [form for form in _forms((_standard() or _made()).get(op_type)) if not form.deprecated]
    return next((form for form in live if form.since <= opset), live[-1] if live else None)


def known(op_type: str, domain: str, opset: int) -> bool:
    """Whether ONNX defines this operator at this opset."""
    return schema_of(op_type, domain, opset) is not None


def since_version(op_type: str, opset: int) -> int:
    """The operator set that brought the form of a standard operator which holds in another; 0 if there is none."""
    schema = schema_of(op_type, "", opset)
    return 0 if schema is None else schema.since


def type_of(op_type: str, domain: str, opset: int, attribute: str) -> str:
    """The type that ONNX gives an attribute, such as `FLOATS`; empty if it or the operator is unknown."""
    schema = schema_of(op_type, domain, opset)
    declared = schema.attributes.get(attribute) if schema is not None else None
    return "" if declared is None else declared.type


def default(op_type: str, domain: str, opset: int, attribute: str) -> FactValue:
    """The ONNX default of an attribute; UNKNOWN if it has none or the operator is unknown."""
    schema = schema_of(op_type, domain, opset)
    declared = schema.attributes.get(attribute) if schema is not None else None
    return UNKNOWN if declared is None else declared.default


def attribute_value(proto: Any) -> FactValue:
    """An attribute as numbers, text or tuples of them; UNKNOWN for tensors, graphs, types and function parameters."""
    if proto.ref_attr_name:
        return UNKNOWN
    reader = _READERS.get(proto.type)
    return UNKNOWN if reader is None else reader(proto)


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")


# Keys are AttributeProto.AttributeType: FLOAT 1, INT 2, STRING 3, FLOATS 6, INTS 7, STRINGS 8.
_READERS: dict[int, Callable[[Any], FactValue]] = {
    1: lambda proto: float(proto.f),
    2: lambda proto: int(proto.i),
    3: lambda proto: _text(proto.s),
    6: lambda proto: tuple(proto.floats),
    7: lambda proto: tuple(proto.ints),
    8: lambda proto: tuple(_text(item) for item in proto.strings),
}
