"""The network that the vendor's parser made, as plain values: what `safecheck.nvidia.translation` raises again.

A file holds one line of JSON and behind it the arrays that the line points into, as raw bytes. Whatever a layer's
interface has as a property is written down, whichever version of the package that is; nothing here knows a layer.
"""

from __future__ import annotations

import json
from typing import IO, Any

from safecheck.nvidia.scope_check.labels import interface

# Every other property of an attention is one of its inputs, or complains where it is not set.
_ATTENTION = ("causal", "norm_op")


def write(trt: Any, network: Any, file: IO[bytes]) -> None:
    """Write the network; `trt` is the vendor's module.

    Raises:
        OSError: it cannot be written.
    """
    arrays: list[Any] = []
    owners: list[Any] = []
    layers = [_layer(trt, network.get_layer(number), arrays, owners) for number in range(network.num_layers)]
    inputs = [network.get_input(number) for number in range(network.num_inputs)]
    outputs = [network.get_output(number) for number in range(network.num_outputs)]
    described = {"inputs": list(map(_tensor, inputs)), "outputs": list(map(_tensor, outputs)), "layers": layers}
    file.write(json.dumps(described).encode() + b"\n")
    for array in arrays:
        file.write(array.tobytes())


def _layer(trt: Any, layer: Any, arrays: list[Any], owners: list[Any]) -> dict[str, Any]:
    kind = layer.type.name
    found = {
        "kind": kind,
        "name": layer.name,
        "metadata": layer.metadata,
        "inputs": [_tensor(layer.get_input(number)) for number in range(layer.num_inputs)],
        "outputs": [_tensor(layer.get_output(number)) for number in range(layer.num_outputs)],
    }
    known = getattr(trt, interface(kind), None)
    if known is None:
        return found | {"parameters": {}}
    layer.__class__ = known
    parameters = {name: _plain(getattr(layer, name), arrays, owners) for name in _properties(trt, known)}
    return found | {"parameters": parameters}


def _properties(trt: Any, known: Any) -> list[str]:
    """The properties of an interface that those of every layer lack, or have with another meaning (`type`)."""
    classes = [part for part in known.__mro__ if part not in (trt.ILayer, *trt.ILayer.__mro__)]
    return sorted({name for part in classes for name, value in vars(part).items() if isinstance(value, property)})


def _tensor(tensor: Any) -> list[Any] | None:
    """Name, type and shape; None where an operand is absent. A dimension that is not known is -1."""
    return None if tensor is None else [tensor.name, tensor.dtype.name, _sizes(tensor.shape)]


def _sizes(value: Any) -> list[int] | None:
    """Dimensions; None where none are set, which the package shows as a length below zero."""
    try:
        return [int(value[number]) for number in range(len(value))]
    except ValueError:
        return None


def _plain(value: Any, arrays: list[Any], owners: list[Any]) -> Any:
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if hasattr(value, "tobytes"):
        arrays.append(value)
        return {"array": value.dtype.name, "count": int(value.size)}
    kind = type(value).__name__
    if kind in ("ILoop", "IIfConditional"):
        return _owner(value, owners)
    if kind == "IAttention":
        return _owner(value, owners) | {name: _plain(getattr(value, name), arrays, owners) for name in _ATTENTION}
    if kind == "Weights":  # of a type that numpy lacks
        return {"array": value.dtype.name, "count": None}
    if hasattr(value, "name"):
        return value.name
    if hasattr(value, "__getitem__"):
        try:
            return [_plain(value[number], arrays, owners) for number in range(len(value))]
        except ValueError:  # dimensions that are not set have a length below zero
            return None
    return str(value)


def _owner(value: Any, owners: list[Any]) -> dict[str, Any]:
    """Which loop, conditional or attention a layer belongs to: names need not be unique."""
    known = next((number for number, other in enumerate(owners) if other is value), len(owners))
    if known == len(owners):
        owners.append(value)
    return {"owner": known}
