"""Layers that move elements, or make them."""

from __future__ import annotations

from typing import Any

import numpy as np

from safecheck.nvidia.translation.network import TYPES, Array, Layer, NotRaised


def constant(layer: Layer) -> Array:
    """`IConstantLayer`."""
    if layer["weights"] is None:
        raise NotRaised(f"constants of {layer.outputs[0].dtype} cannot be read")
    return np.asarray(layer["weights"]).reshape(layer["shape"])


def shuffle(layer: Layer, x: Array, shape: Array | None = None) -> Array:
    """`IShuffleLayer`: a transpose, a reshape, a transpose."""
    moved = x.transpose(layer["first_transpose"][: x.ndim])
    target = layer["reshape_dims"] if shape is None else [int(size) for size in shape]
    if target is not None:
        if layer["zero_is_placeholder"]:
            target = [moved.shape[at] if size == 0 else size for at, size in enumerate(target)]
        if -1 in target and 0 in moved.shape:
            raise NotRaised("an inferred dimension of an empty tensor")
        moved = moved.reshape(target)
    return np.asarray(moved.transpose(layer["second_transpose"][: moved.ndim]))


def _given(layer: Layer, name: str, operand: Array | None) -> list[int] | None:
    """A parameter that an operand replaces."""
    return layer[name] if operand is None else [int(part) for part in np.atleast_1d(operand)]


def _needed(layer: Layer, name: str, operand: Array | None) -> list[int]:
    found = _given(layer, name, operand)
    if found is None:
        raise NotRaised(f"{name} is not set")
    return found


def slice_(
    layer: Layer, x: Array, start: Array | None = None, size: Array | None = None, stride: Array | None = None,
    fill: Array | None = None, axes: Array | None = None,
) -> Array:  # fmt: skip
    """`ISliceLayer`: start, size and stride, for all axes or for those that are named; five ways at the borders."""
    named = _given(layer, "axes", axes)
    given = [_needed(layer, "start", start), _needed(layer, "shape", size), _needed(layer, "stride", stride)]
    starts, sizes, strides = [0] * x.ndim, list(x.shape), [1] * x.ndim
    for axis, first, count, step in zip(range(x.ndim) if named is None else named, *given, strict=True):
        starts[axis], sizes[axis], strides[axis] = first, count, step
    mode, outside = layer["mode"], np.zeros(sizes, np.bool_)
    found = x
    for axis, (first, count, step) in enumerate(zip(starts, sizes, strides, strict=True)):
        index, length = first + np.arange(count) * step, x.shape[axis]
        beyond = (index < 0) | (index >= length)
        if beyond.any():
            if mode == "STRICT_BOUNDS" or not length:
                raise NotRaised(f"a slice beyond the bounds of axis {axis}")
            outside |= beyond.reshape([-1 if at == axis else 1 for at in range(x.ndim)])
        found = found.take(_inside(index, length, mode), axis)
    if mode == "FILL":
        found = np.where(outside, np.zeros((), x.dtype) if fill is None else fill.reshape(()), found)
    return found


def _inside(index: Array, length: int, mode: str) -> Array:
    """An index within the bounds for each; that of FILL is of no account."""
    if mode == "WRAP":
        return np.asarray(index % length)
    if mode == "REFLECT" and length > 1:
        index = index % (2 * length - 2)
        return np.asarray(np.minimum(index, 2 * length - 2 - index))
    return np.clip(index, 0, max(length - 1, 0))


def concatenation(layer: Layer, *parts: Array) -> Array:
    """`IConcatenationLayer`."""
    return np.concatenate(parts, layer["axis"])


def padding(layer: Layer, x: Array) -> Array:
    """`IPaddingLayer`: zeros around the last two axes, or less of them."""
    sides = list(zip(layer["pre_padding_nd"], layer["post_padding_nd"], strict=True))
    for axis, (before, after) in enumerate(sides, x.ndim - len(sides)):
        width = [(max(before, 0), max(after, 0)) if at == axis else (0, 0) for at in range(x.ndim)]
        x = np.pad(x, width)
        x = x.take(range(max(-before, 0), x.shape[axis] - max(-after, 0)), axis)
    return x


def shape(_: Layer, x: Array) -> Array:
    """`IShapeLayer`."""
    return np.array(x.shape, np.int64)


def squeeze(_: Layer, x: Array, axes: Array) -> Array:
    """`ISqueezeLayer`."""
    return np.squeeze(x, tuple(int(axis) for axis in np.atleast_1d(axes)))


def unsqueeze(_: Layer, x: Array, axes: Array) -> Array:
    """`IUnsqueezeLayer`."""
    return np.expand_dims(x, tuple(int(axis) for axis in np.atleast_1d(axes)))


def fill(layer: Layer, sizes: Array | None = None, start: Array | None = None, delta: Array | None = None) -> Array:
    """`IFillLayer`: the start plus the index along each axis times the delta of that axis."""
    if layer["operation"] != "LINSPACE":
        raise NotRaised(f"{layer['operation']} is random")
    target = _needed(layer, "shape", sizes)
    dtype = TYPES[layer.outputs[0].dtype]
    wide: Any = np.float64 if np.issubdtype(dtype, np.floating) else np.int64
    first = np.asarray(layer["alpha"] if start is None else start, wide)
    steps = np.atleast_1d(np.asarray(layer["beta"] if delta is None else delta, wide))
    if len(target) != len(steps):
        raise NotRaised("a filling with other deltas than axes")
    found = np.broadcast_to(first.reshape((1,) * len(target)), target)
    for axis, step in enumerate(steps):
        found = found + step * np.arange(target[axis]).reshape([-1 if at == axis else 1 for at in range(len(target))])
    return np.asarray(found).astype(dtype)


def gather(layer: Layer, data: Array, indices: Array) -> Array:
    """`IGatherLayer` in its three modes; what is out of bounds is zero."""
    axis, shared, mode = layer["axis"], layer["num_elementwise_dims"], layer["mode"]
    if mode == "ELEMENT":
        index, beyond = _wrapped(indices, data.shape[axis])
        places: list[Array] = list(np.indices(indices.shape, sparse=True))
        places[axis] = index
        return np.where(beyond, np.zeros((), data.dtype), data[tuple(places)])
    if mode == "ND":
        return _gather_nd(data, indices, shared)
    if shared:
        rows = max(data.shape[0], indices.shape[0])
        data, indices = (np.broadcast_to(part, (rows, *part.shape[1:])) for part in (data, indices))
        return np.stack([_gather(part, index, axis - 1) for part, index in zip(data, indices, strict=True)])
    return _gather(data, indices, axis)


def _gather(data: Array, indices: Array, axis: int) -> Array:
    index, beyond = _wrapped(indices, data.shape[axis])
    beyond = beyond.reshape((*(1,) * axis, *indices.shape, *(1,) * (data.ndim - axis - 1)))
    return np.where(beyond, np.zeros((), data.dtype), data.take(index, axis))


def _wrapped(indices: Array, length: int) -> tuple[Array, Array]:
    """An index for each, and whether it is out of bounds: those from -length on count from the end."""
    beyond = (indices < -length) | (indices >= length)
    if length == 0:
        raise NotRaised("a gather from nothing")
    return np.where(beyond, 0, indices % length).astype(np.int64), beyond


def _gather_nd(data: Array, indices: Array, shared: int) -> Array:
    if shared:
        return np.stack([_gather_nd(part, index, shared - 1) for part, index in zip(data, indices, strict=True)])
    depth = indices.shape[-1]
    parts = [_wrapped(indices[..., at], data.shape[at]) for at in range(depth)]
    found = data[tuple(index for index, _ in parts)]
    beyond = np.logical_or.reduce([part for _, part in parts]) if parts else np.bool_(False)
    outside = np.reshape(beyond, (*indices.shape[:-1], *(1,) * (data.ndim - depth)))
    return np.where(outside, np.zeros((), data.dtype), found)


def scatter(layer: Layer, data: Array, indices: Array, updates: Array) -> Array:
    """`IScatterLayer` in its two modes; which of two writes to one place stays is not documented."""
    found = data.copy()
    if layer["mode"] == "ELEMENT":
        axis = layer["axis"]
        places: list[Array] = list(np.indices(indices.shape))
        places[axis] = _bounded(indices, data.shape[axis])
    else:
        places = [_bounded(indices[..., at], data.shape[at]) for at in range(indices.shape[-1])]
    _once(places, data.shape)
    found[tuple(places)] = updates
    return found


def _bounded(indices: Array, length: int) -> Array:
    index, beyond = _wrapped(indices, length)
    if beyond.any():
        raise NotRaised("a scatter out of bounds is not documented")
    return index


def _once(places: list[Array], shape: tuple[int, ...]) -> None:
    flat = np.ravel_multi_index([part.ravel() for part in places], shape[: len(places)]) if places else np.zeros(1)
    if len(np.unique(flat)) < len(flat):
        raise NotRaised("two writes to one place are not documented")


def one_hot(layer: Layer, indices: Array, values: Array, depth: Array) -> Array:
    """`IOneHotLayer`; values are those off and on."""
    if ((indices < 0) | (indices >= int(depth))).any():
        raise NotRaised("a one-hot index out of bounds is not documented")
    axis = layer["axis"] % (indices.ndim + 1)
    on = np.expand_dims(indices, axis) == np.arange(int(depth)).reshape((-1, *(1,) * (indices.ndim - axis)))
    return np.asarray(np.where(on, values[1], values[0]))


def non_zero(_: Layer, x: Array) -> Array:
    """`INonZeroLayer`: [rank, count], in the order of the elements."""
    return np.stack(np.nonzero(np.atleast_1d(x)))


def reverse_sequence(layer: Layer, x: Array, lengths: Array) -> Array:
    """`IReverseSequenceLayer`."""
    batch, time = layer["batch_axis"], layer["sequence_axis"]
    found = np.moveaxis(x, (batch, time), (0, 1)).copy()
    for row, length in zip(found, lengths, strict=True):
        row[: int(length)] = row[: int(length)][::-1].copy()
    return np.moveaxis(found, (0, 1), (batch, time))
