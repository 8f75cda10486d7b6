"""Convolutions, pools, normalisations and samplings: what has windows, channels or an image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from generated.build import Build, Shape, Value, types_of
from generated.registry import broadcast, operand, strategy


def _spatial(b: Build) -> int:
    return b.draw.choices((1, 2, 3, 4), (22, 56, 20, 2))[0]


def _windows(b: Build, n: int, image: Sequence[int], kernel: Sequence[int], dilate: bool, strides: Sequence[int],
    auto: bool = True) -> dict[str, Any]:  # fmt: skip
    """Attributes of a window that fits into the image, with whatever padding."""
    dilations = [b.one(1, 1, 1, 2, 3) for _ in range(n)] if dilate and b.chance(0.25) else None
    reach = [(k - 1) * (dilations or [1] * n)[i] + 1 for i, k in enumerate(kernel)]
    mode = b.draw.choices((None, "NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER"), (70, 8, 8, 9, 5))[0] if auto else None
    pads = None
    if (mode in (None, "NOTSET") and b.chance(0.6)) or b.chance(0.01):
        pads = [min(b.one(0, 1, 1, 2, r // 2, r - 1), r) for r in reach]
        pads = pads * 2 if b.chance(0.7) else [*pads, *(b.one(0, p, 1) for p in pads)]
    if mode is None or mode in ("NOTSET", "VALID"):
        for axis in range(n):
            total = image[axis] + (pads[axis] + pads[axis + n] if pads else 0)
            if dilations and reach[axis] > total:
                dilations[axis] = 1
    found = {"auto_pad": mode, "pads": pads, "dilations": dilations, "strides": list(strides) if strides else None}
    return {name: value for name, value in found.items() if value is not None}


def _image(b: Build, n: int, kernel: Sequence[int]) -> Shape:
    room = {1: 40, 2: 16, 3: 7, 4: 4}[n]
    return tuple(k + b.number(0, room) if b.chance(0.97) else max(1, k - 1) for k in kernel)


def _kernel(b: Build, n: int, odd: Sequence[int]) -> list[int]:
    size = b.draw.choices((1, 2, 3, 5, b.draw.choice(odd)), (15, 15, 45, 15, 10))[0]
    if n > 2:
        size = min(size, 5)
    return [size] * n if b.chance(0.75) else [b.one(1, size, 2, 3) for _ in range(n)]


def _steps(b: Build, n: int, odd: Sequence[int]) -> list[int]:
    if b.chance(0.5):
        return []
    step = b.one(1, 2, 2, 2, 3, b.draw.choice(odd))
    return [step] * n if b.chance(0.8) else [b.one(1, 2, step) for _ in range(n)]


@strategy("Conv", "ConvTranspose", "ConvInteger", "QLinearConv")
def convolution(b: Build, op: str) -> None:
    n = _spatial(b)
    kernel = _kernel(b, n, (7, 8, 9, 18, 19))
    image = _image(b, n, kernel)
    group = b.one(1, 1, 1, 1, 2, 4)
    deep = b.chance(0.15)
    inner, outer = (1, b.one(1, 1, 2)) if deep else (b.number(1, 4), b.number(1, 5))
    channels, maps = group * inner, group * outer
    if b.chance(0.02):
        channels, maps, group = b.one((b.one(4096, 4097, 16384, 16385), 1, 1), (1, b.one(4096, 4097, 16384, 16385), 1))
        kernel, image = [1] * n, (2,) * n
    shape = (b.one(1, 1, 1, 2, 3), channels, *image)
    if taken := b.image():
        shape, n, channels, image = taken, len(taken) - 2, taken[1], taken[2:]
        kernel = [min(size, b.one(1, 2, 3, 3, 5)) for size in image]
        group = b.one(1, 1, channels)
        maps = group * outer
    if b.chance(0.01):
        shape = (0, *shape[1:])
    attributes = _windows(b, n, image, kernel, True, _steps(b, n, (8, 9)))
    if op == "ConvTranspose" and b.chance(0.85):
        attributes.pop("dilations", None)
    if group > 1 or b.chance(0.3):
        attributes["group"] = group
    if b.chance(0.6):
        attributes["kernel_shape"] = kernel
    size = (channels, maps // group, *kernel) if op == "ConvTranspose" else (maps, channels // group, *kernel)
    if op == "Conv" or op == "ConvTranspose":
        dtype = b.dtype(op)
        operands = [b.data(dtype, shape), b.weights(dtype, size)]
        if b.chance(0.5):
            operands.append(b.weights(dtype, (maps,)))
        if op == "ConvTranspose":
            if b.chance(0.15):
                attributes["output_padding"] = [b.number(0, 1) for _ in range(n)]
            if b.chance(0.1) and "pads" not in attributes:
                steps = attributes.get("strides", [1] * n)
                attributes["output_shape"] = [s * d + b.one(0, 0, 1) for s, d in zip(steps, image, strict=True)]
        b.node(op, operands, **attributes)
        return
    types = [b.weighted(types_of(op, b.opset, variable)) for variable in ("T1", "T2")]
    if op == "ConvInteger":
        zeros = [b.one(None, b.scalar(dtype, 1)) for dtype in types]
        b.node(op, [b.data(types[0], shape), b.weights(types[1], size), *zeros], **attributes)
        return
    scales = [(b.scalar("FLOAT", 0.5), b.scalar(dtype, 1)) for dtype in (*types, types[0])]
    parts = [b.data(types[0], shape), *scales[0], b.weights(types[1], size), *scales[1], *scales[2]]
    b.node(op, [*parts, *b.one((), (b.weights("INT32", (maps,)),))], **attributes)


@strategy("MaxPool", "AveragePool", "LpPool")
def pooling(b: Build, op: str) -> None:
    n = _spatial(b)
    kernel = _kernel(b, n, (4, 8, 21, 22, 23))
    image = _image(b, n, kernel)
    shape = (b.one(1, 1, 2), b.number(1, 5), *image)
    if taken := b.image():
        shape, n, image = taken, len(taken) - 2, taken[2:]
        kernel = [min(size, b.one(1, 2, 2, 3)) for size in image]
    dilate = (
        (op == "MaxPool" and b.opset > 9) or (op == "AveragePool" and b.opset > 18) or (op[0] == "L" and b.opset > 17)
    )
    attributes = _windows(b, n, image, kernel, dilate and b.chance(0.4), _steps(b, n, (5, 6, 7)))
    if attributes.get("pads"):
        attributes["pads"] = [
            min(p, k - 1) if b.chance(0.97) else p for p, k in zip(attributes["pads"], kernel * 2, strict=True)
        ]
    if b.opset > 9 and (op != "LpPool" or b.opset > 17) and b.chance(0.25):
        attributes["ceil_mode"] = b.one(0, 1, 1)
    if op == "AveragePool" and b.chance(0.4):
        attributes["count_include_pad"] = b.one(0, 1)
    if op == "LpPool":
        attributes |= b.some(p=b.one(1, 2, 2, 3))
    count = 2 if op == "MaxPool" and b.opset > 7 and b.chance(0.08) else 1
    if op == "MaxPool" and b.opset > 7 and b.chance(0.08):
        attributes["storage_order"] = b.one(0, 1)
    b.node(op, [b.data(b.dtype(op), shape)], count, kernel_shape=kernel, **attributes)


@strategy("GlobalAveragePool", "GlobalMaxPool", "GlobalLpPool", "MeanVarianceNormalization", "LRN",
    "LpNormalization", "InstanceNormalization", "GroupNormalization", "BatchNormalization")  # fmt: skip
def normalisation(b: Build, op: str) -> None:
    least = 2 if op in ("BatchNormalization", "LRN") else 3
    channels = b.number(1, 8)
    dtype = b.dtype(op)
    shape = b.image(least) or (b.one(1, 2), channels, *b.dims(least - 2 if b.chance(0.95) else 0, 5, 8))
    channels = shape[1]
    attributes: dict[str, Any] = {}
    others: list[Value] = []
    if op == "LRN":
        attributes = {"size": b.one(1, 3, 5, 15, 17, 2), **b.some(alpha=0.001, beta=0.5, bias=2.0)}
    elif op == "LpNormalization":
        attributes = b.some(axis=b.number(-len(shape), len(shape) - 1), p=b.one(1, 2))
    elif op == "InstanceNormalization":
        attributes = b.some(epsilon=b.one(1e-5, 1e-3))
        others = [b.weights(dtype, (channels,)) for _ in range(2)]
    elif op == "GroupNormalization":
        groups = b.draw.choice([g for g in range(1, channels + 1) if channels % g == 0])
        attributes = {"num_groups": groups, **b.some(epsilon=1e-3)}
        others = [b.weights(dtype, (groups if b.opset < 21 else channels,)) for _ in range(2)]
    elif op == "BatchNormalization":
        second = dtype if b.opset < 15 or b.chance(0.9) else b.dtype(op, "T2")
        scale = dtype if b.opset < 15 or second == dtype else b.one(dtype, second)
        others = [
            b.weights(scale if k < 2 else second, (channels,), None if k < 3 else np.ones(channels)) for k in range(4)
        ]
        attributes = b.some(epsilon=1e-3, momentum=0.8, training_mode=b.one(0, 0, 1) if b.opset > 13 else None)
        attributes |= b.some(spatial=1) if b.opset < 9 else {}
        training = attributes.get("training_mode") and b.chance(0.9)
        b.node(op, [b.data(dtype, shape), *others], 3 if training else 1, **attributes)
        return
    elif op == "MeanVarianceNormalization":
        attributes = b.some(axes=b.one([0, 2, 3], [1, 2], [0, 1, 2], [-1]))
    b.node(op, [b.data(dtype, shape), *others], **attributes)


@strategy("LayerNormalization", "RMSNormalization")
def layer_norm(b: Build, op: str) -> None:
    dtype, shape = b.dtype(op), b.dims(1)
    axis = b.number(-len(shape), len(shape) - 1)
    size = shape[axis:]
    attributes = b.some(epsilon=1e-3, stash_type=b.one(1, 1, 1, 10))
    if axis != -1 or b.chance(0.4):
        attributes["axis"] = axis
    if b.chance(0.1):
        size = broadcast(b, size)
    scale = b.weights(b.dtype(op, "V") if op == "RMSNormalization" and b.chance(0.1) else dtype, size)
    bias = [b.weights(dtype, size)] if op == "LayerNormalization" and b.chance(0.6) else []
    b.node(
        op,
        [b.data(dtype, shape), scale, *bias],
        3 if op == "LayerNormalization" and b.chance(0.05) else 1,
        **attributes,
    )


@strategy("MaxUnpool")
def unpool(b: Build, op: str) -> None:
    shape = (1, 2, 3, 3)
    parts = [b.data(b.dtype(op, "T1"), shape), b.data("INT64", shape)]
    b.node(op, parts, kernel_shape=[2, 2], strides=[2, 2])


@strategy("MaxRoiPool")
def roi_pool(b: Build, op: str) -> None:
    dtype = b.dtype(op)
    b.node(op, [b.data(dtype, (1, 2, 8, 8)), b.weights(dtype, (3, 5))], pooled_shape=[2, 2])


@strategy("RoiAlign")
def roi_align(b: Build, op: str) -> None:
    dtype = b.dtype(op, "T1")
    parts = [b.data(dtype, (1, 2, 8, 8)), b.weights(dtype, (3, 4)), b.weights("INT64", (3,), np.zeros(3))]
    more = b.some(
        mode=b.one("avg", "max"), output_height=2, output_width=3, sampling_ratio=b.one(0, 2), spatial_scale=0.5
    )
    if b.opset > 15:
        more |= b.some(coordinate_transformation_mode=b.one("half_pixel", "output_half_pixel"))
    b.node(op, parts, **more)


@strategy("DeformConv")
def deform(b: Build, op: str) -> None:
    dtype = b.dtype(op)
    parts = [b.data(dtype, (1, 2, 6, 6)), b.weights(dtype, (3, 2, 3, 3)), b.data(dtype, (1, 18, 4, 4))]
    b.node(op, parts, kernel_shape=[3, 3])


@strategy("GridSample")
def grid_sample(b: Build, op: str) -> None:
    n = 2 if b.opset < 20 or b.chance(0.8) else 3
    dtype = b.dtype(op, "T1")
    other = dtype if b.chance(0.85) else b.dtype(op, "T2")
    cubic = ("bicubic", "bilinear") if b.opset < 20 else ("cubic", "linear")
    data = b.data(dtype, (b.one(1, 2), b.number(1, 3), *(b.number(2, 8) for _ in range(n))))
    grid = (data.shape[0] if data.shape else 1, *(b.number(1, 6) for _ in range(n)), n)
    more = b.some(
        mode=b.one(*cubic, "nearest"), padding_mode=b.one("zeros", "border", "reflection"), align_corners=b.one(0, 1)
    )
    b.node(op, [data, operand(b, other, grid)], **more)


@strategy("AffineGrid")
def affine_grid(b: Build, op: str) -> None:
    n = b.one(2, 2, 3)
    size = (2, 3, *(b.number(1, 5) for _ in range(n)))
    b.node(op, [b.data(b.dtype(op, "T1"), (2, n, n + 1)), b.ints(size)], **b.some(align_corners=b.one(0, 1)))


@strategy("Col2Im")
def col2im(b: Build, op: str) -> None:
    b.node(op, [b.data(b.dtype(op), (1, 2 * 4, 9)), b.ints((4, 4)), b.ints((2, 2))])
