"""Facts about how large the tensors of a layer are."""

from __future__ import annotations

from math import prod

from safecheck.ir.signature import UNKNOWN, FactValue, Layer

_MAX_INT32 = 2**31 - 1
_CHANNEL_VECTOR = 32  # kCHW32 stores channels in groups of 32


def volumes(layer: Layer) -> FactValue:
    """Number of elements of each tensor of the layer, inputs first."""
    found = [tensor.dims for tensor in (*layer.inputs, *layer.outputs)]
    return tuple(UNKNOWN if dims is UNKNOWN else prod(dims) for dims in found) or UNKNOWN


def least_volume(layer: Layer) -> FactValue:
    """Number of elements that the node's largest tensor has at least: a dimension that is no number counts as 1."""
    return max([prod([dim for dim in dims if type(dim) is int]) for dims in _shapes(layer)], default=0)


def exceeds_int32(layer: Layer) -> FactValue:
    """Whether one of the dimensions of the node's tensors is a number that a signed 32-bit integer cannot hold."""
    return any(type(dim) is int and dim > _MAX_INT32 for dims in _shapes(layer) for dim in dims)


def without_elements(layer: Layer) -> FactValue:
    """Whether one of the node's tensors has a dimension of 0."""
    return any(type(dim) is int and dim == 0 for dims in _shapes(layer) for dim in dims)


def _shapes(layer: Layer) -> list[tuple[int | str | None, ...]]:
    tensors = (*layer.node.inputs, *layer.node.outputs)
    return [tensor.shape for tensor in tensors if tensor is not None and tensor.shape is not None]


def padded_volumes(layer: Layer) -> FactValue:
    """Number of elements of each tensor when its format pads the channels (axis 1) to a multiple of 32."""
    found = [tensor.dims for tensor in (*layer.inputs, *layer.outputs)]
    return tuple(UNKNOWN if dims is UNKNOWN else _padded(dims) for dims in found) or UNKNOWN


def _padded(dims: tuple[int, ...]) -> int:
    if len(dims) < 2:
        return prod(dims)
    channels = -(-dims[1] // _CHANNEL_VECTOR) * _CHANNEL_VECTOR
    return dims[0] * channels * prod(dims[2:])
