"""Facts about how large the tensors of a layer are."""

from __future__ import annotations

from math import prod

from safecheck.ir.signature import UNKNOWN, FactValue, Layer

_CHANNEL_VECTOR = 32  # kCHW32 stores channels in groups of 32


def volumes(layer: Layer) -> FactValue:
    """Number of elements of each tensor of the layer, inputs first."""
    found = [tensor.dims for tensor in (*layer.inputs, *layer.outputs)]
    return tuple(UNKNOWN if dims is UNKNOWN else prod(dims) for dims in found) or UNKNOWN


def padded_volumes(layer: Layer) -> FactValue:
    """Number of elements of each tensor when its format pads the channels (axis 1) to a multiple of 32."""
    found = [tensor.dims for tensor in (*layer.inputs, *layer.outputs)]
    return tuple(UNKNOWN if dims is UNKNOWN else _padded(dims) for dims in found) or UNKNOWN


def _padded(dims: tuple[int, ...]) -> int:
    if len(dims) < 2:
        return prod(dims)
    channels = -(-dims[1] // _CHANNEL_VECTOR) * _CHANNEL_VECTOR
    return dims[0] * channels * prod(dims[2:])
