"""Convolution, deconvolution and pooling: a window that moves, with the padding formulas of `PaddingMode`."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from safecheck.nvidia.translation.network import Array, Layer, NotRaised

Spans = list[tuple[int, int, int]]
"""Per spatial axis: padding before, padding after, length of the output."""


def _spans(layer: Layer, lengths: Sequence[int], extents: Sequence[int]) -> Spans:
    """Of a convolution or pooling; an extent is 1 + dilation * (window - 1)."""
    found, mode = [], layer["padding_mode"]
    for length, extent, stride, before, after in zip(
        lengths, extents, layer["stride_nd"], layer["pre_padding"], layer["post_padding"], strict=True
    ):
        if mode.startswith("SAME"):
            total = max((length - 1) // stride * stride + extent - length, 0)
            less, more = total // 2, total - total // 2
            found.append((*((less, more) if mode == "SAME_UPPER" else (more, less)), -(-length // stride)))
        else:
            room = length + before + after - extent
            steps = -(-room // stride) if mode == "EXPLICIT_ROUND_UP" else room // stride
            found.append((before, after, steps + 1))
    return found


def _windows(
    x: Array, spans: Spans, layer: Layer, window: Sequence[int], dilations: Sequence[int], fill: float
) -> Iterator[tuple[tuple[int, ...], Array]]:
    """Every place of the window with what it sees at all positions, of the shape of the output."""
    strides = layer["stride_nd"]
    needed = [
        max((count - 1) * stride + dilation * (size - 1) + 1 - before - length, 0)
        for (before, _, count), stride, dilation, size, length in zip(
            spans, strides, dilations, window, x.shape[2:], strict=True
        )
    ]
    sides = [(before, after) for (before, _, _), after in zip(spans, needed, strict=True)]
    padded = np.pad(x, [(0, 0), (0, 0), *sides], constant_values=fill)
    for place in itertools.product(*map(range, window)):
        taken = tuple(
            slice(at * dilation, at * dilation + (count - 1) * stride + 1, stride)
            for at, dilation, stride, (_, _, count) in zip(place, dilations, strides, spans, strict=True)
        )
        yield place, padded[(slice(None), slice(None), *taken)]


def _weights(layer: Layer, kernel: Array | None, shape: tuple[int, ...]) -> Array:
    """The kernel, of the layer or as an operand, in a shape."""
    found = layer["kernel"] if kernel is None else kernel
    if found is None:
        raise NotRaised("the kernel is of a type that cannot be read")
    return np.asarray(found, np.float32).reshape(shape)


def _bias(layer: Layer, bias: Array | None, rank: int) -> Array:
    found = layer["bias"] if bias is None else bias
    if found is None:
        raise NotRaised("the bias is of a type that cannot be read")
    return np.asarray(found if found.size else [0], np.float32).reshape(-1, *(1,) * rank)


def _at(place: tuple[int | slice, ...]) -> Any:
    """An index of the last axes."""
    return (..., *place)


def _floating(x: Array) -> None:
    if not np.issubdtype(x.dtype, np.floating):
        raise NotRaised(f"a window over {x.dtype}")


def convolution(layer: Layer, x: Array, kernel: Array | None = None, bias: Array | None = None) -> Array:
    """`IConvolutionLayer`: x is [N, C, ...], the kernel [K, C / groups, ...]."""
    _floating(x)
    window, dilations, groups = layer["kernel_size_nd"], layer["dilation_nd"], layer["num_groups"]
    batch, channels, *lengths = x.shape
    spans = _spans(layer, lengths, [1 + d * (k - 1) for d, k in zip(dilations, window, strict=True)])
    weights = _weights(layer, kernel, (groups, -1, channels // groups, *window))
    shape = [count for *_, count in spans]
    total = np.zeros((batch, groups, weights.shape[1], math.prod(shape)), np.float32)
    for place, seen in _windows(x, spans, layer, window, dilations, 0):
        taps = weights[_at(place)]
        seen = seen.reshape(batch, groups, channels // groups, -1)
        total += taps * seen if channels == groups else np.matmul(taps, seen)
    return total.reshape(batch, -1, *shape) + _bias(layer, bias, len(window))


def deconvolution(layer: Layer, x: Array, kernel: Array | None = None, bias: Array | None = None) -> Array:
    """`IDeconvolutionLayer`: x is [N, C, ...], the kernel [C, K / groups, ...]."""
    _floating(x)
    window, dilations, groups = layer["kernel_size_nd"], layer["dilation_nd"], layer["num_groups"]
    strides, mode = layer["stride_nd"], layer["padding_mode"]
    batch, channels, *lengths = x.shape
    weights = _weights(layer, kernel, (groups, channels // groups, -1, *window))
    extents = [1 + d * (k - 1) for d, k in zip(dilations, window, strict=True)]
    whole = [(length - 1) * stride + extent for length, stride, extent in zip(lengths, strides, extents, strict=True)]
    total = np.zeros((batch, groups, weights.shape[2], *whole), np.float32)
    flat = x.reshape(batch, groups, channels // groups, -1)
    for place in itertools.product(*map(range, window)):
        written = tuple(
            slice(at * dilation, at * dilation + (length - 1) * stride + 1, stride)
            for at, dilation, stride, length in zip(place, dilations, strides, lengths, strict=True)
        )
        part = np.matmul(weights[_at(place)].swapaxes(1, 2), flat)
        total[_at(written)] += part.reshape(*part.shape[:3], *lengths)
    total = total.reshape(batch, -1, *whole)
    for axis, (length, stride, extent) in enumerate(zip(lengths, strides, extents, strict=True)):
        if mode.startswith("SAME"):
            count = min(length * stride, whole[axis])
            less, more = max(extent - stride, 0) // 2, -(-max(extent - stride, 0) // 2)
            before = less if mode == "SAME_UPPER" else more
        else:
            before = layer["pre_padding"][axis]
            count = whole[axis] - before - layer["post_padding"][axis]
        if before < 0:
            raise NotRaised("a negative padding before the image is not documented")
        rest = max(before + count - whole[axis], 0)
        total = np.pad(total, [(0, rest if at == axis + 2 else 0) for at in range(total.ndim)])
        total = total.take(range(before, before + count), axis + 2)
    return total + _bias(layer, bias, len(window))


def pooling(layer: Layer, x: Array) -> Array:
    """`IPoolingLayer`; the window may overhang the padded input where the output's length is rounded up."""
    window = layer["window_size_nd"]
    ones = [1] * len(window)
    spans = _spans(layer, x.shape[2:], window)
    if layer["type"] == "MAX":
        low = -np.inf if np.issubdtype(x.dtype, np.floating) else np.iinfo(x.dtype).min
        best = None
        for _, seen in _windows(x, spans, layer, window, ones, low):
            best = seen.copy() if best is None else np.maximum(best, seen)
        assert best is not None
        return best
    if layer["type"] != "AVERAGE":
        raise NotRaised(f"pooling of type {layer['type']}")
    _floating(x)
    # The denominator is the overlap with the input, or with the padded input; the overhang counts in neither.
    counted = np.ones((1, 1, *x.shape[2:]), np.float32)
    sides = [(0, 0), (0, 0), *((before, after) for before, after, _ in spans)]
    if not layer["average_count_excludes_padding"]:
        counted = np.pad(counted, sides, constant_values=1)
        over = [(0, 0, count) for *_, count in spans]
    else:
        over = spans
    total = sum(seen for _, seen in _windows(x, spans, layer, window, ones, 0))
    count = sum(seen for _, seen in _windows(counted, over, layer, window, ones, 0))
    return np.asarray(total / count)
