"""Rows 44 to 46: shapes and types that are not so, not known or not possible, and constants that are inputs, too."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from onnx import TensorProto, TypeProto, helper

from recipes.attributes import CONV, WEIGHTS
from recipes.case import BY_THE_RULES, NEVER_A_PASS, UNREADABLE, Case, changed

Change = Callable[[Any], object]
_SOFTMAX = "(float[1,4096,9,9] x) => (float[1,4096,9,9] y) { y = Softmax<axis = 1>(x) }"
_SIZES: dict[str, tuple[int | str | None, ...]] = {
    "unknown": (None,) * 4,
    "symbolic": ("n", "c", "h", "w"),
    "negative": (-1, 8, 6, 6),
    "largest": (2**63 - 1, 8, 6, 6),
    "smallest": (-(2**63), 8, 6, 6),
    "zero": (0, 8, 6, 6),
}


def cases() -> Iterator[Case]:
    """Every sub-case."""
    yield from changed(44, {"shape of an output": partial(_output, 1, [1, 16, 9, 9])}, NEVER_A_PASS, text=_SOFTMAX)
    yield from changed(44, {"type of an output": partial(_output, 7, [4, 8, 6, 6])}, NEVER_A_PASS)
    inner = helper.make_tensor_value_info("s", TensorProto.FLOAT, [1, 1, 1, 1])
    yield from changed(44, {"shape of a value": lambda model: model.graph.value_info.append(inner)}, BY_THE_RULES)
    unknown: dict[str, Change] = {
        **{name: partial(_dims, sizes) for name, sizes in _SIZES.items()},
        "no shape": lambda model: model.graph.input[0].type.tensor_type.ClearField("shape"),
        "no type": lambda model: model.graph.input[0].ClearField("type"),
        "a type that is none": lambda model: model.graph.input[0].CopyFrom(_sequence()),
    }
    yield from changed(45, unknown, NEVER_A_PASS)
    yield from changed(45, {"none": partial(_dims, ())}, BY_THE_RULES)
    zeros = helper.make_tensor("w", TensorProto.FLOAT, [2, 2, 1, 1], [0.0] * 4)
    computed = helper.make_tensor("s", TensorProto.FLOAT, [4, 8, 6, 6], [0.0] * 1152)
    twice = {"twice": lambda model: model.graph.initializer.append(zeros)}
    yield from changed(46, twice, UNREADABLE, "SC-MODEL-SSA", text=CONV, weights=WEIGHTS)
    again: dict[str, Change] = {
        "is what a node computes": lambda model: model.graph.initializer.append(computed),
        "an input twice": lambda model: model.graph.input.append(model.graph.input[0]),
    }
    yield from changed(46, again, UNREADABLE, "SC-MODEL-SSA")
    other = {
        "an input of another shape": partial(_input, 1, [5, 5, 1, 1]),
        "an input of another type": partial(_input, 7, [2, 2, 1, 1]),
    }
    yield from changed(46, other, NEVER_A_PASS, text=CONV, weights=WEIGHTS)


def _output(dtype: int, shape: list[int], model: Any) -> None:
    model.graph.output[0].type.CopyFrom(helper.make_tensor_type_proto(dtype, shape))


def _input(dtype: int, shape: list[int], model: Any) -> None:
    model.graph.input.append(helper.make_tensor_value_info("w", dtype, shape))


def _dims(sizes: tuple[int | str | None, ...], model: Any) -> None:
    shape = model.graph.input[0].type.tensor_type.shape
    del shape.dim[:]
    for size in sizes:
        added = shape.dim.add()
        if isinstance(size, str):
            added.dim_param = size
        elif size is not None:
            added.dim_value = size


def _sequence() -> Any:
    kind = TypeProto()
    kind.sequence_type.elem_type.tensor_type.elem_type = 1
    return helper.make_value_info("x", kind)
