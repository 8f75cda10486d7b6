"""Quantisation: values times a scale."""

from __future__ import annotations

import numpy as np

from safecheck.nvidia.translation.network import Array, Layer, NotRaised

_RANGES = {"INT8": (-128, 127), "INT4": (-8, 7), "FP8": (-448, 448), "FP4": (-6, 6)}


def _along(layer: Layer, part: Array, x: Array) -> Array:
    """A scale or zero point in the shape of the data: for all, for each index of the axis, or for blocks."""
    if part.size == 1:
        return part.reshape((1,) * x.ndim)
    if part.ndim == 1:
        return part.reshape([-1 if at == layer["axis"] % x.ndim else 1 for at in range(x.ndim)])
    if part.ndim != x.ndim:
        raise NotRaised(f"a scale of rank {part.ndim} for data of rank {x.ndim}")
    for axis, (length, blocks) in enumerate(zip(x.shape, part.shape, strict=True)):
        part = part.repeat(length // blocks, axis)
    return part


def quantize(layer: Layer, x: Array, scale: Array, zero: Array | None = None) -> Array:
    """`IQuantizeLayer`: round half to even, add the zero point, clamp."""
    kind = layer.outputs[0].dtype
    if kind not in _RANGES:
        raise NotRaised(f"a quantisation to {kind}")
    scaled = x / _along(layer, scale, x)
    whole = np.rint(scaled) if kind.startswith("INT") else scaled
    return np.clip(whole if zero is None else whole + _along(layer, zero, x), *_RANGES[kind])


def dequantize(layer: Layer, x: Array, scale: Array, zero: Array | None = None) -> Array:
    """`IDequantizeLayer`."""
    wide = x.astype(np.float32)
    return (wide if zero is None else wide - _along(layer, zero, x)) * _along(layer, scale, x)
