"""Layers that read between elements."""

from __future__ import annotations

import itertools

import numpy as np

from safecheck.nvidia.translation.network import Array, Layer, NotRaised

_ULP = 2.0**-22
"""Relative: a scale in FP32 that misses a whole length by as much was meant to hit it."""


def resize(layer: Layer, x: Array, shape: Array | None = None) -> Array:
    """`IResizeLayer`: every axis by itself, as a matrix of weights.

    An original coordinate is made of the ratio of the lengths, as documented. Where scales are set that miss a whole
    length, others say that the scales are used: nobody knows, so that is not raised.
    """
    scales, target = layer["scales"], layer["shape"] if shape is None else [int(size) for size in shape]
    if shape is None and scales:
        target = [_scaled(length, scale) for length, scale in zip(x.shape, scales, strict=True)]
    if target is None:
        raise NotRaised("a resize without sizes and scales")
    for axis, length in enumerate(target):
        if length != x.shape[axis]:
            x = np.moveaxis(np.tensordot(_weights(layer, x.shape[axis], length), x, (1, axis)), 0, axis)
    return x


def _scaled(length: int, scale: float) -> int:
    product = length * scale
    whole = round(product)
    if abs(product - whole) > _ULP * max(product, 1):
        raise NotRaised(
            f"{length} x {scale:g} is not whole: whether the scale counts, or the ratio of the lengths, is open"
        )
    return whole


def _weights(layer: Layer, length: int, resized: int) -> Array:
    """A matrix [resized, length]: what each element of the input adds to each of the output."""
    original: Array
    at, mode = np.arange(resized), layer["coordinate_transformation"]
    if resized == 1 and layer["selector_for_single_pixel"] == "UPPER":
        original = np.zeros(1)
    elif mode == "ALIGN_CORNERS":
        original = at * ((length - 1) / (resized - 1)) if resized > 1 else np.zeros(1)
    elif mode == "ASYMMETRIC":
        original = at * (length / resized)
    else:
        original = (at + 0.5) * (length / resized) - 0.5
    original = np.round(original, 6)  # what is half of something is that, whatever it was computed of
    if layer["resize_mode"] == "NEAREST":
        taps = [(_nearest(original, layer["nearest_rounding"]), np.ones(resized))]
    elif layer["resize_mode"] == "LINEAR":
        low = np.floor(original)
        taps = [(low, 1 - (original - low)), (low + 1, original - low)]
    else:
        low = np.floor(original)
        taps = [(low + k, _cubic(original - low - k, layer["cubic_coeff"])) for k in (-1, 0, 1, 2)]
    found = np.zeros((resized, length))
    for place, weight in taps:
        outside = (place < 0) | (place > length - 1)
        kept = np.where(outside, 0, weight) if layer["exclude_outside"] else weight
        np.add.at(found, (at, np.clip(place, 0, length - 1).astype(np.int64)), kept)
    if layer["exclude_outside"]:
        found /= found.sum(1, keepdims=True)
    return found.astype(np.float32)


def _nearest(at: Array, rounding: str) -> Array:
    return {
        "HALF_UP": np.floor(at + 0.5),
        "HALF_DOWN": np.ceil(at - 0.5),
        "FLOOR": np.floor(at),
        "CEIL": np.ceil(at),
    }[rounding]


def _cubic(distance: Array, a: float) -> Array:
    """Keys' kernel with the coefficient a."""
    x = np.abs(distance)
    near = (a + 2) * x**3 - (a + 3) * x**2 + 1
    far = a * x**3 - 5 * a * x**2 + 8 * a * x - 4 * a
    return np.where(x <= 1, near, np.where(x < 2, far, 0))


def grid_sample(layer: Layer, x: Array, grid: Array) -> Array:
    """`IGridSampleLayer`: x is [N, C, H, W], the grid [N, h, w, 2] with x before y, both from -1 to 1."""
    if x.ndim != 4:
        raise NotRaised(f"a grid sample of rank {x.ndim}")
    corners, mode = layer["align_corners"], layer["interpolation_mode"]
    places = []
    for part, length in ((grid[..., 1], x.shape[2]), (grid[..., 0], x.shape[3])):
        wide = part.astype(np.float64)
        at = (wide + 1) / 2 * (length - 1) if corners else ((wide + 1) * length - 1) / 2
        places.append(at if mode == "CUBIC" else _bordered(at, length, layer))
    steps = {"NEAREST": (0,), "LINEAR": (0, 1), "CUBIC": (-1, 0, 1, 2)}[mode]
    low = [np.rint(at) if mode == "NEAREST" else np.floor(at) for at in places]
    total = np.zeros((x.shape[0], x.shape[1], *grid.shape[1:3]))
    batch = np.arange(x.shape[0])[:, None, None]
    for vertical, horizontal in itertools.product(steps, steps):
        rows, columns = low[0] + vertical, low[1] + horizontal
        weight = np.ones(rows.shape)
        for at, place in zip(places, (rows, columns), strict=True):
            if mode == "LINEAR":
                weight = weight * (1 - np.abs(at - place))
            elif mode == "CUBIC":
                weight = weight * _cubic(at - place, -0.75)
        if mode == "CUBIC":
            rows, columns = (_bordered(part, n, layer) for part, n in zip((rows, columns), x.shape[2:], strict=True))
        inside = (rows >= 0) & (rows < x.shape[2]) & (columns >= 0) & (columns < x.shape[3])
        seen = x[batch, :, np.where(inside, rows, 0).astype(np.int64), np.where(inside, columns, 0).astype(np.int64)]
        total += np.moveaxis(np.where(inside[..., None], seen, 0) * weight[..., None], -1, 1)
    return total.astype(np.float32)


def _bordered(at: Array, length: int, layer: Layer) -> Array:
    """A coordinate as the sample mode brings it back; FILL leaves it outside."""
    if layer["sample_mode"] == "FILL":
        return at
    if layer["sample_mode"] == "CLAMP":
        return np.clip(at, 0, length - 1)
    if layer["sample_mode"] != "REFLECT":
        raise NotRaised(f"a grid sample with {layer['sample_mode']}")
    low, high = (0, length - 1) if layer["align_corners"] else (-0.5, length - 0.5)
    if high == low:
        return np.zeros_like(at)
    span = high - low
    offset = np.abs(at - low) % (2 * span)
    return np.clip(np.minimum(offset, 2 * span - offset) + low, 0, length - 1)
