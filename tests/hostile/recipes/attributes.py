"""Rows 30 and 31: attributes that say two things or nothing, and values from the ends of their ranges."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from onnx import AttributeProto, helper

from recipes.case import BY_THE_RULES, NEVER_A_PASS, Case, changed

Change = Callable[[Any], object]
CONV = "(float[1,2,9,9] x) => (y) { y = Conv<kernel_shape = [1, 1]>(x, w) }"
WEIGHTS = {"w": "float[2,2,1,1]"}
_VALUES = {
    "empty": [], "negative": [-1, -1], "zero": [0, 0], "a million": [1] * 10**6, "smallest": [-(2**63)] * 2,
    "largest": [2**63 - 1] * 2,
}  # fmt: skip
_FLOATS = {"LeakyRelu": "alpha", "Elu": "alpha", "Selu": "gamma", "HardSigmoid": "beta", "ThresholdedRelu": "alpha"}


def cases() -> Iterator[Case]:
    """Every sub-case."""
    of_conv = partial(changed, text=CONV, weights=WEIGHTS)
    ambiguous: dict[str, Change] = {
        "twice": lambda model: model.graph.node[0].attribute.extend([_first(model)]),
        "two values": _two,
        **{
            f"type {name}": partial(_set, "type", kind)
            for name, kind in (("FLOAT", AttributeProto.FLOAT), ("GRAPH", AttributeProto.GRAPH), ("UNDEFINED", 0))
        },
        "reference outside of a function": partial(_set, "ref_attr_name", "k"),
    }
    yield from of_conv(30, ambiguous, NEVER_A_PASS, "SC-(MODEL-ATTR|ONNX-SCHEMA)")
    yield from of_conv(30, {"no name": partial(_set, "name", "")}, NEVER_A_PASS)
    for name, values in _VALUES.items():
        for attribute in ("kernel_shape", "strides", "dilations", "pads"):
            codes = BY_THE_RULES if attribute == "pads" and name == "zero" else NEVER_A_PASS
            given = values * (2 if attribute == "pads" else 1)
            yield from of_conv(31, {f"{attribute} {name}": partial(_give_ints, attribute, given)}, codes)
    groups = {f"group {group}": partial(_add, "group", group) for group in (0, -1, 3, 2**63 - 1, -(2**63))}
    yield from of_conv(31, groups, NEVER_A_PASS)
    floats: dict[str, Change] = {
        f"{operator} {name} {value}": partial(_operator, operator, name, value)
        for operator, name in _FLOATS.items()
        for value in (math.nan, math.inf, -math.inf)
    }
    yield from changed(31, floats, NEVER_A_PASS)


def _first(model: Any) -> Any:
    return model.graph.node[0].attribute[0]


def _two(model: Any) -> None:
    _first(model).i = 1
    _first(model).f = 1.0


def _set(field: str, value: object, model: Any) -> None:
    setattr(_first(model), field, value)


def _add(name: str, value: object, model: Any) -> None:
    model.graph.node[0].attribute.append(helper.make_attribute(name, value))


def _give_ints(name: str, values: list[int], model: Any) -> None:
    del model.graph.node[0].attribute[:]
    model.graph.node[0].attribute.append(helper.make_attribute(name, values, attr_type=AttributeProto.INTS))


def _operator(kind: str, name: str, value: float, model: Any) -> None:
    model.graph.node[0].op_type = kind
    _add(name, value, model)
