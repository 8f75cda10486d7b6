"""Run a network of layers, and let a caller see, and replace, every result outside of loops.

A layer that cannot be raised gives `Missing` values, and so does everything that needs them; nothing stops there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from safecheck.nvidia.translation.meanings import meaning
from safecheck.nvidia.translation.network import TYPES, Array, Layer, Network, NotRaised, Tensor
from safecheck.nvidia.translation.units import Loop, Unit, names, needs, units

_MOST_TRIPS = 100_000


@dataclass(frozen=True, slots=True)
class Missing:
    """Why there is no value."""

    layer: Layer
    """The layer that was not raised, maybe far before."""
    reason: str


Value = Array | Missing
Values = MutableMapping[str, Value]
Watch = Callable[[Layer, Tensor, Value], Value]
"""Sees a result outside of loops, and says what the layers behind it get."""


def execute(network: Network, inputs: Mapping[str, Array], watch: Watch = lambda _, __, value: value) -> Values:
    """All values of a network by the names of their tensors."""
    values: Values = {tensor.name: fitted(inputs[tensor.name], tensor) for tensor in network.inputs}
    with np.errstate(all="ignore"):
        _run(units(network), values, watch)
    return values


def fitted(value: Array, tensor: Tensor) -> Array:
    """A value in the element type of a tensor.

    Raises:
        NotRaised: numpy has no such type.
    """
    if tensor.dtype not in TYPES:
        raise NotRaised(f"{tensor.dtype} is not known here")
    return np.asarray(value).astype(TYPES[tensor.dtype], copy=False)


def _run(parts: Iterable[Unit], values: Values, watch: Watch) -> None:
    """Run everything, in whatever order the operands allow."""
    waiting = list(parts)
    while waiting:
        later = []
        for unit in waiting:
            if needs(unit) <= values.keys():
                _loop(unit, values, watch) if isinstance(unit, Loop) else _layer(unit, values, watch)
            else:
                later.append(unit)
        if len(later) == len(waiting):
            return
        waiting = later


def _layer(layer: Layer, values: Values, watch: Watch) -> None:
    operands = [None if tensor is None else values[tensor.name] for tensor in layer.inputs]
    for tensor, value in zip(layer.outputs, _results(layer, operands), strict=True):
        values[tensor.name] = watch(layer, tensor, value)


def _results(layer: Layer, operands: list[Value | None]) -> list[Value]:
    if layer.kind in ("CONDITION", "CONDITIONAL_INPUT"):
        return [operand for operand, _ in zip(operands, layer.outputs, strict=False) if operand is not None]
    if layer.kind == "CONDITIONAL_OUTPUT" and isinstance(operands[0], np.ndarray):
        taken = operands[1 if operands[0].all() else 2]
        return [Missing(layer, "a branch without a result") if taken is None else taken]
    missing = next((operand for operand in operands if isinstance(operand, Missing)), None)
    if missing is not None:
        return [missing] * len(layer.outputs)
    try:
        found = meaning(layer, [None if part is None else _wide(part) for part in operands])
        found = found if isinstance(found, tuple) else (found,)
        return [_rounded(value, tensor) for value, tensor in zip(found, layer.outputs, strict=False)]
    except NotRaised as reason:
        return [Missing(layer, str(reason))] * len(layer.outputs)
    except (ArithmeticError, LookupError, TypeError, ValueError) as error:
        return [Missing(layer, f"{type(error).__name__}: {error}")] * len(layer.outputs)


def _wide(value: Any) -> Array:
    """Floating point in FP32 at least."""
    narrow = value.dtype.itemsize < 4 and value.dtype.kind in "fV"
    return np.asarray(value.astype(np.float32) if narrow else value)


def _rounded(value: Array, tensor: Tensor) -> Array:
    """A result as the tensor holds it; a shape that the network itself contradicts is a fault of the meaning."""
    if tensor.shape is not None and -1 not in tensor.shape and tensor.shape != value.shape:
        raise NotRaised(f"its documented meaning has the shape {value.shape}, the network says {tensor.shape}")
    return fitted(value, tensor)


def _loop(loop: Loop, values: Values, watch: Watch) -> None:
    try:
        found = _iterate(loop, values)
    except NotRaised as reason:
        found = {layer.outputs[0].name: Missing(layer, str(reason)) for layer in loop.outputs}
    for layer in loop.outputs:
        values[layer.outputs[0].name] = watch(layer, layer.outputs[0], found[layer.outputs[0].name])


def _iterate(loop: Loop, values: Values) -> dict[str, Value]:
    """The outputs of a loop: a recurrence has its first value from outside, and then the one that was made before."""
    state = {layer.outputs[0].name: _value(values, layer, 0) for layer in loop.recurrences}
    rows: dict[str, list[Array]] = {layer.outputs[0].name: [] for layer in loop.outputs}
    counts = [int(_value(values, layer, 0)) for layer in loop.limits if layer["kind"] == "COUNT"]
    count = min([*counts, _MOST_TRIPS])
    for trip in range(count):
        inner: Values = {**values, **state}
        for layer in loop.iterators:
            inner[layer.outputs[0].name] = _step(_value(values, layer, 0), layer, trip)
        if not _going(loop, inner):
            break
        _run(loop.body, inner, lambda _, __, value: value)
        for layer in loop.outputs:
            if layer["kind"] != "LAST_VALUE":
                rows[layer.outputs[0].name].append(_value(inner, layer, 0))
        state = {layer.outputs[0].name: _value(inner, layer, 1) for layer in loop.recurrences}
    else:
        if count == _MOST_TRIPS:
            raise NotRaised(f"a loop of {count} iterations or more")
    return {
        layer.outputs[0].name: _output(layer, {**values, **state}, rows[layer.outputs[0].name])
        for layer in loop.outputs
    }


def _value(values: Mapping[str, Value], layer: Layer, number: int) -> Array:
    tensor = layer.inputs[number] if number < len(layer.inputs) else None
    found = values.get(tensor.name) if tensor is not None else None
    if isinstance(found, Missing):
        raise NotRaised(f"{found.layer.kind}: {found.reason}")
    if found is None:
        raise NotRaised(f"operand {number} of {layer.kind} is made nowhere")
    return found


def _going(loop: Loop, inner: Values) -> bool:
    """Whether the conditions hold; what a condition is made of may belong to the body."""
    whiles = [layer for layer in loop.limits if layer["kind"] == "WHILE"]
    if any(name not in inner for layer in whiles for name in names(layer)):
        _run(loop.body, inner, lambda _, __, value: value)
    return all(bool(_value(inner, layer, 0)) for layer in whiles)


def _step(value: Array, layer: Layer, trip: int) -> Array:
    length = value.shape[layer["axis"]]
    if trip >= length:
        raise NotRaised("an iterator beyond its tensor")
    return np.asarray(value.take(length - 1 - trip if layer["reverse"] else trip, layer["axis"]))


def _output(layer: Layer, values: Mapping[str, Value], rows: list[Array]) -> Value:
    """The last value, or those of all iterations along a new axis, of the length that was asked for."""
    if layer["kind"] == "LAST_VALUE":
        return _rounded(_value(values, layer, 0), layer.outputs[0])
    length = int(_value(values, layer, 1))
    if length != len(rows):
        raise NotRaised(f"{len(rows)} iterations for a concatenation of {length}")
    if not rows:
        return _rounded(_nothing(layer), layer.outputs[0])
    return _rounded(np.stack(rows[::-1] if layer["kind"] == "REVERSE" else rows, layer["axis"]), layer.outputs[0])


def _nothing(layer: Layer) -> Array:
    """The concatenation of no iteration."""
    tensor = layer.inputs[0]
    if tensor is None or tensor.shape is None or -1 in tensor.shape:
        raise NotRaised("a concatenation of no iteration, of a shape that is not known")
    shape = list(tensor.shape)
    shape.insert(layer["axis"], 0)
    return np.zeros(shape)
