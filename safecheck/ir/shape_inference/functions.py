"""Shapes of the most frequent operators where every dimension is a positive number: what ONNX's inference says, sooner.

A function says nothing (None) about any form that is not plain; the library is asked about these. From opset 13 on the
operators here infer in the same way; tests hold them against the library.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import zip_longest
from typing import Any, TypeAlias

from safecheck.ir.signature import Tensor

LEAST_OPSET = 13
Function: TypeAlias = Callable[[Any, Sequence[Tensor]], Tensor | None]
"""Takes the node, and the tensors of its inputs, whose dimensions are all known."""


def _like_first(_: Any, given: Sequence[Tensor]) -> Tensor:
    return given[0]


def _broadcast(_: Any, given: Sequence[Tensor]) -> Tensor | None:
    if len(given) != 2 or given[0].dtype != given[1].dtype:
        return None
    one, other = given
    if one.shape == other.shape:
        return one
    dims = []
    for a, b in zip_longest(reversed(one.shape or ()), reversed(other.shape or ()), fillvalue=1):
        if a != b and 1 not in (a, b):
            return None
        dims.append(b if a == 1 else a)
    return Tensor(one.dtype, tuple(reversed(dims)))


def _convolution(node: Any, given: Sequence[Tensor]) -> Tensor | None:
    if len(given) < 2 or given[0].shape is None or given[1].shape is None:
        return None
    (batch, _, *sizes), (channels, _, *kernel) = given[0].shape, given[1].shape
    count = len(sizes)
    said = {part.name: tuple(part.ints) for part in node.attribute}
    steps, spread, pads = (said.get(name, (default,) * size) for name, default, size in (
        ("strides", 1, count), ("dilations", 1, count), ("pads", 0, 2 * count)
    ))  # fmt: skip
    if "auto_pad" in said or not len(kernel) == len(steps) == len(spread) == len(pads) / 2 == count > 0:
        return None
    if said.get("kernel_shape", tuple(kernel)) != tuple(kernel) or min(*steps, *spread) < 1 or min(pads) < 0:
        return None
    dims = []
    for axis, size in enumerate(sizes):
        room = size + pads[axis] + pads[count + axis] - ((kernel[axis] - 1) * spread[axis] + 1)  # type: ignore[operator]
        if room < 0:
            return None
        dims.append(room // steps[axis] + 1)
    return Tensor(given[0].dtype, (batch, channels, *dims))


LIKE_FIRST = frozenset(
    {
        "Abs", "Ceil", "Clip", "Elu", "Erf", "Exp", "Floor", "HardSigmoid", "Identity", "LeakyRelu", "Log", "Neg",
        "Reciprocal", "Relu", "Selu", "Sigmoid", "Softplus", "Sqrt", "Tanh",
    }
)  # fmt: skip
"""Operators whose result is of the type and shape of their first operand."""

FUNCTIONS: dict[str, Function] = {
    **dict.fromkeys(LIKE_FIRST, _like_first),
    **dict.fromkeys(("Add", "Div", "Mul", "Sub"), _broadcast),
    "Conv": _convolution,
}  # fmt: skip
