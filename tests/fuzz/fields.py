"""Change any field of a message: what no exporter would write, and intake has to notice."""

from __future__ import annotations

from typing import Any

from choices import FLOATS, NAMES, NUMBERS, Choices


def change(message: Any, choices: Choices) -> None:
    """Walk down to some field and change it: remove, repeat, or replace by something from the ends of its range."""
    for _ in range(12):
        fields = message.DESCRIPTOR.fields
        present = [field for field, _ in message.ListFields()]
        field = choices.one(present if present and choices.number(4) else fields)
        value = getattr(message, field.name)
        if field.type == field.TYPE_MESSAGE and choices.number(8):
            if not field.is_repeated:
                message = value
                continue
            if len(value):
                message = choices.one(value)
                continue
            value.add()
            return
        _replace(message, field, choices)
        return


def _replace(message: Any, field: Any, choices: Choices) -> None:
    value = getattr(message, field.name)
    action = choices.number(4)
    if field.is_repeated:
        if action == 0 and len(value):
            del value[choices.number(len(value))]
        elif action == 1 and len(value):
            value.extend([choices.one(value)])
        elif field.type != field.TYPE_MESSAGE:
            value.extend([_scalar(field, choices)])
        else:
            value.add()
    elif action == 0 or field.type == field.TYPE_MESSAGE:
        message.ClearField(field.name)
    else:
        setattr(message, field.name, _scalar(field, choices))


def _scalar(field: Any, choices: Choices) -> Any:
    if field.type == field.TYPE_STRING:
        return choices.one(NAMES)
    if field.type == field.TYPE_BYTES:
        return choices.one((b"", b"\xff\xfe", bytes(16), b"ij,jk->ik"))
    if field.type in (field.TYPE_FLOAT, field.TYPE_DOUBLE):
        return choices.one(FLOATS)
    if field.type == field.TYPE_ENUM:
        return choices.one([value.number for value in field.enum_type.values])
    number = choices.one(NUMBERS)
    return number if field.type == field.TYPE_INT64 else number % 2**31
