"""Layers that reduce along axes, or work along one."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from safecheck.nvidia.translation.network import Array, Layer, NotRaised

_REDUCTIONS: Mapping[str, Callable[..., Array]] = {
    "AVG": np.mean,
    "MAX": np.max,
    "MIN": np.min,
    "PROD": np.prod,
    "SUM": np.sum,
}


def axes_of(mask: int, rank: int) -> tuple[int, ...]:
    """The axes whose bit is set."""
    if mask >> rank:
        raise NotRaised(f"axes {mask:#b} of a tensor of rank {rank}")
    return tuple(axis for axis in range(rank) if mask >> axis & 1)


def _one_axis(layer: Layer, x: Array) -> int:
    axes = axes_of(layer["axes"], x.ndim)
    if len(axes) != 1:
        raise NotRaised(f"{len(axes)} axes where one is documented")
    return axes[0]


def reduce(layer: Layer, x: Array) -> Array:
    """`IReduceLayer`."""
    axes = axes_of(layer["axes"], x.ndim)
    if not axes or layer["op"] not in _REDUCTIONS:
        raise NotRaised(f"{layer['op']} over {len(axes)} axes is not documented")
    if not all(x.shape[axis] for axis in axes):
        raise NotRaised("a reduction of nothing is not documented")
    return np.asarray(_REDUCTIONS[layer["op"]](x, axis=axes, keepdims=layer["keep_dims"])).astype(x.dtype)


def softmax_along(x: Array, axis: int) -> Array:
    """Softmax; a row of minus infinities is NaN."""
    powers = np.exp(x - x.max(axis, keepdims=True))
    return np.asarray(powers / powers.sum(axis, keepdims=True))


def softmax(layer: Layer, x: Array) -> Array:
    """`ISoftMaxLayer`, or the logarithm of it where `execute` has made one of the two."""
    axis = _one_axis(layer, x)
    if not layer.parameters.get("log"):
        return softmax_along(x, axis)
    centred = x - x.max(axis, keepdims=True)
    return np.asarray(centred - np.log(np.exp(centred).sum(axis, keepdims=True)))


def top_k(layer: Layer, x: Array, k: Array | None = None) -> tuple[Array, Array]:
    """`ITopKLayer`: values and indices. The order of equal elements is not documented: as in ONNX, the first first."""
    axis, count = _one_axis(layer, x), layer["k"] if k is None else int(k)
    if np.issubdtype(x.dtype, np.floating) and np.isnan(x).any():
        raise NotRaised("the order of NaN is not documented")
    keys = x if layer["op"] == "MIN" else -x.astype(np.float64 if np.issubdtype(x.dtype, np.floating) else np.int64)
    order = np.argsort(keys, axis, kind="stable").take(range(count), axis)
    return np.take_along_axis(x, order, axis), order


def cumulative(layer: Layer, x: Array, axis: Array) -> Array:
    """`ICumulativeLayer`."""
    if layer["op"] != "SUM":
        raise NotRaised(f"a cumulative {layer['op']}")
    along = int(axis)
    data = np.flip(x, along) if layer["reverse"] else x
    sums = np.cumsum(data, along, dtype=x.dtype)
    if layer["exclusive"]:
        sums = np.roll(sums, 1, along)
        sums[(slice(None),) * (along % x.ndim) + (0,)] = 0
    return np.asarray(np.flip(sums, along) if layer["reverse"] else sums)


def normalization(layer: Layer, x: Array, scale: Array, bias: Array) -> Array:
    """`INormalizationLayer`: over the axes of the mask, in each of the groups of channels."""
    groups, axes = layer["num_groups"], axes_of(layer["axes"], x.ndim)
    if groups != 1:
        if axes != tuple(range(2, x.ndim)):
            raise NotRaised(f"groups with axes {layer['axes']:#b}")
        whole = x.reshape(x.shape[0], groups, -1)
        normal = _normal(whole, (2,), layer["epsilon"]).reshape(x.shape)
        if not layer["is_v2"]:  # one coefficient for a group
            scale, bias = (np.repeat(part, x.shape[1] // groups, 1) for part in (scale, bias))
    else:
        normal = _normal(x, axes, layer["epsilon"])
    return np.asarray(normal * scale + bias)


def _normal(x: Array, axes: tuple[int, ...], epsilon: float) -> Array:
    centred = x - x.mean(axes, keepdims=True)
    return np.asarray(centred / np.sqrt((centred**2).mean(axes, keepdims=True) + np.float32(epsilon)))


def lrn(layer: Layer, x: Array) -> Array:
    """`ILRNLayer`: across channels, x / (k + alpha / window * sum of squares) ^ beta."""
    reach = layer["window_size"] // 2
    squares = np.pad(x**2, [(0, 0), (reach, reach), *[(0, 0)] * (x.ndim - 2)])
    sums = sum(squares[:, at : at + x.shape[1]] for at in range(2 * reach + 1))
    return np.asarray(x / (layer["k"] + layer["alpha"] / layer["window_size"] * sums) ** layer["beta"])
