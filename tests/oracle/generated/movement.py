"""Operators that move data, and those that make it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from generated.build import Build, Shape, Value, tensor_of
from generated.registry import operand, strategy


def _factors(b: Build, volume: int, rank: int) -> list[int]:
    shape = [1] * rank
    rest = volume
    for axis in range(rank - 1):
        divisors = [d for d in range(1, min(rest, 64) + 1) if rest % d == 0] or [1]
        shape[axis] = b.draw.choice(divisors)
        rest //= shape[axis] or 1
    if rank:
        shape[-1] = rest
    b.draw.shuffle(shape)
    return shape


@strategy("Reshape")
def reshape(b: Build, op: str) -> None:
    shape = b.dims()
    volume = math.prod(shape)
    target = _factors(b, volume, b.number(1, 6) if volume != 1 or b.chance(0.8) else 0)
    if target and b.chance(0.4) and volume:
        target[b.number(0, len(target) - 1)] = -1
    for axis in range(min(len(target), len(shape))):
        if target[axis] == shape[axis] and b.chance(0.4):
            target[axis] = 0
    more = b.some(allowzero=b.one(0, 0, 0, 1)) if b.opset > 13 else {}
    b.node(op, [b.data(b.dtype(op), shape), b.ints(target if target else np.zeros(0, np.int64))], **more)


@strategy("Transpose")
def transpose(b: Build, op: str) -> None:
    shape = b.dims()
    order = list(range(len(shape)))
    b.draw.shuffle(order)
    b.node(op, [b.data(b.dtype(op), shape)], **b.some(perm=order))


@strategy("Squeeze", "Unsqueeze")
def squeeze(b: Build, op: str) -> None:
    shape = list(b.dims(0, 6))
    if op == "Squeeze":
        axes = sorted(b.draw.sample(range(len(shape) + 2), b.number(1, 2)))
        for axis in axes:
            shape.insert(axis, 1)
        rank = len(shape)
    else:
        rank = len(shape) + b.number(1, 2)
        axes = sorted(b.draw.sample(range(rank), rank - len(shape)))
    axes = [axis - rank if b.opset > 10 and b.chance(0.3) else axis for axis in axes]
    data = b.data(b.dtype(op), tuple(shape))
    given = op == "Unsqueeze" or b.chance(0.8)
    if b.opset < 13:
        b.node(op, [data], **({"axes": axes} if given else {}))
    else:
        b.node(op, [data, b.ints(axes) if given else None])


@strategy("Expand", "Tile")
def enlarge(b: Build, op: str) -> None:
    shape = b.dims(0 if op == "Expand" else 1, 6, 4)
    if op == "Tile":
        b.node(op, [b.data(b.dtype(op), shape), b.ints([b.number(1, 3) for _ in shape])])
        return
    target = [d if d != 1 else b.number(1, 4) for d in shape]
    target = [b.number(1, 3) for _ in range(b.number(0, 2))] + target
    if b.chance(0.3):
        target = [b.one(1, d) for d in target]
    b.node(op, [b.data(b.dtype(op), shape), b.ints(target if target else np.zeros(0, np.int64))])


@strategy("Concat")
def concat(b: Build, op: str) -> None:
    shape = b.dims(1)
    dtype = b.dtype(op)
    axis = b.number(-len(shape) if b.opset > 10 else 0, len(shape) - 1)
    parts = []
    for _ in range(b.number(1, 4)):
        other = list(shape)
        other[axis] = b.number(0 if b.chance(0.05) else 1, 4)
        parts.append(operand(b, dtype, tuple(other)))
    b.node(op, parts, axis=axis)


@strategy("Split")
def split(b: Build, op: str) -> None:
    shape = list(b.dims(1))
    axis = b.number(-len(shape) if b.opset > 10 else 0, len(shape) - 1)
    count = b.number(1, 4)
    sizes = [b.number(1, 3) for _ in range(count)]
    kind = b.one("sizes", "sizes", "even", "number")
    if kind != "sizes":
        sizes = [b.number(1, 2)] * count
    shape[axis] = sum(sizes)
    if kind == "number" and b.chance(0.3) and sizes[0] > 1:
        shape[axis] -= 1
    more: dict[str, Any] = {"axis": axis} if axis not in (0,) or b.chance(0.4) else {}
    data = b.data(b.dtype(op), tuple(shape))
    if b.opset > 17 and kind != "sizes":
        b.node(op, [data], count, num_outputs=count, **more)
    elif b.opset < 13:
        b.node(op, [data], count, **more, **({"split": sizes} if kind == "sizes" else {}))
    else:
        b.node(op, [data, b.ints(sizes) if kind == "sizes" else None], count, **more)


@strategy("Slice")
def cut(b: Build, op: str) -> None:
    shape = b.dims(1, largest=9)
    rank = len(shape)
    full = b.chance(0.25)
    axes = list(range(rank)) if full else b.draw.sample(range(rank), b.number(1, min(2, rank)))
    starts, ends, steps = [], [], []
    for axis in axes:
        length = shape[axis]
        backwards = b.opset > 9 and b.chance(0.12)
        low = b.number(0, max(length - 1, 0))
        high = b.number(low + 1, length + 1)
        if backwards:
            low, high = high - 1, b.one(low - 1 - length, -length - 1, low) if low else b.one(-length - 1, -1000)
        starts.append(low - length if b.chance(0.2) and not backwards else low)
        ends.append(b.one(2**31 - 1, 2**63 - 1) if b.chance(0.1) and not backwards else high)
        steps.append(-b.one(1, 1, 2) if backwards else b.one(1, 1, 2, 3))
    if b.chance(0.03):
        starts[0] = ends[0]
    signed = [axis - rank if b.chance(0.25) and b.opset > 9 else axis for axis in axes]
    data = b.data(b.dtype(op), shape)
    if b.opset < 10:
        b.node(op, [data], starts=starts, ends=ends, **({"axes": axes} if not full or b.chance(0.5) else {}))
        return
    dtype = b.one("INT64", "INT64", "INT64", "INT32") if max(ends) < 2**31 else "INT64"
    third = None if full and b.chance(0.5) else b.ints(signed, dtype)
    fourth = b.ints(steps, dtype) if set(steps) != {1} or b.chance(0.3) else None
    b.node(op, [data, b.ints(starts, dtype), b.ints(ends, dtype), third, fourth])


@strategy("Pad")
def pad(b: Build, op: str) -> None:
    shape = b.dims(1, 6, 6)
    modes = ("constant", "constant", "reflect", "edge", *(("wrap",) if b.opset > 18 else ()))
    mode = b.draw.choice(modes)
    dtype = b.dtype(op)
    axes = sorted(b.draw.sample(range(len(shape)), b.number(1, len(shape)))) if b.opset > 17 and b.chance(0.3) else None
    lengths = [shape[axis] for axis in axes] if axes is not None else list(shape)
    pads = [b.one(0, 0, 1, 2) if b.chance(0.9) else -1 for _ in lengths * 2]
    if mode in ("reflect", "wrap"):
        pads = [min(p, max(d - 1, 0)) for p, d in zip(pads, lengths * 2, strict=True)]
    more = b.some(mode=mode) if mode == "constant" else {"mode": mode}
    data = b.data(dtype, shape)
    if b.opset < 11:
        b.node(op, [data], pads=pads, **more, **b.some(value=b.one(0.0, 1.5)))
        return
    third = b.one(None, b.constant(dtype, (), np.array(1))) if mode == "constant" or b.chance(0.2) else None
    b.node(op, [data, b.ints(pads), third, b.ints(axes, b.one("INT64", "INT32")) if axes is not None else None], **more)


def _index(b: Build, shape: Shape, length: int, dtype: str) -> Value:
    if b.chance(0.5) or math.prod(shape) > 1000:
        return b.data(dtype, shape)
    source = np.random.default_rng(b.draw.getrandbits(32))
    low = -length if b.chance(0.2) else 0
    return b.constant(dtype, shape, source.integers(low, max(length, low + 1), shape))


@strategy("Gather")
def gather(b: Build, op: str) -> None:
    shape = b.dims(1)
    axis = b.number(-len(shape), len(shape) - 1)
    index = _index(b, b.dims(0, 3, 4), shape[axis], b.one("INT64", "INT32"))
    b.node(op, [b.data(b.dtype(op), shape), index], **({"axis": axis} if axis or b.chance(0.3) else {}))


@strategy("GatherElements", "Scatter", "ScatterElements")
def elements(b: Build, op: str) -> None:
    shape = b.dims(1)
    axis = b.number(-len(shape) if op != "Scatter" else 0, len(shape) - 1)
    size = shape if b.chance(0.6) else tuple(b.number(1, max(dim, 1)) for dim in shape)
    if op == "GatherElements" and b.chance(0.3):
        size = tuple(d + b.one(0, 2) if i == axis % len(shape) else d for i, d in enumerate(size))
    dtype = b.dtype(op)
    parts = [b.data(dtype, shape), _index(b, size, shape[axis], b.one("INT64", "INT32"))]
    more = {"axis": axis} if axis or b.chance(0.3) else {}
    if op == "ScatterElements" and b.opset > 15:
        more |= (
            {"reduction": b.one("none", "add", "mul", *(("max", "min") if b.opset > 17 else ()))}
            if b.chance(0.3)
            else {}
        )
    b.node(op, parts if op == "GatherElements" else [*parts, operand(b, dtype, size)], **more)


@strategy("GatherND", "ScatterND")
def points(b: Build, op: str) -> None:
    shape = b.dims(1, 5, 4)
    batch = b.number(0, min(len(shape) - 1, 2)) if op == "GatherND" and b.opset > 11 and b.chance(0.25) else 0
    depth = b.number(1, len(shape) - batch)
    size = (*shape[:batch], *b.dims(0, 2, 3), depth)
    index = _index(b, size, min([*shape, 1]), "INT64")
    dtype = b.dtype(op)
    if op == "GatherND":
        b.node(
            op,
            [b.data(dtype, shape), index],
            **({"batch_dims": batch} if batch or (b.opset > 11 and b.chance(0.2)) else {}),
        )
        return
    updates = operand(b, dtype, (*size[:-1], *shape[depth:]))
    more = {"reduction": b.one("none", "add", "mul", *(("max", "min") if b.opset > 17 else ()))} if b.opset > 15 else {}
    b.node(op, [b.data(dtype, shape), index, updates], **(more if b.chance(0.3) else {}))


@strategy("OneHot")
def one_hot(b: Build, op: str) -> None:
    shape = b.dims(0, 5)
    dtype = b.dtype(op, "T3")
    depth = b.one("INT64", "INT64", "INT32", "FLOAT")
    parts = [b.data(b.dtype(op, "T1", ("INT64", "INT32", "FLOAT")), shape), b.constant(depth, b.one((), (1,)), None)]
    parts[1] = b.constant(depth, (one := b.one((), (1,))), np.full(one, b.number(1, 6)))
    values = b.weights(dtype, (2,), np.array([0, 1]))
    b.node(op, [*parts, values], **b.some(axis=b.number(-len(shape) - 1, len(shape))))


@strategy("DepthToSpace", "SpaceToDepth")
def blocks(b: Build, op: str) -> None:
    size = b.number(1, 3)
    c, h, w = (b.number(1, 3) for _ in range(3))
    shape = (1, c * size * size, h, w) if op[0] == "D" else (1, c, h * size, w * size)
    more = b.some(mode=b.one("DCR", "CRD")) if op[0] == "D" and b.opset > 10 else {}
    b.node(op, [b.data(b.dtype(op), shape)], blocksize=size, **more)


@strategy("Resize", "Upsample")
def resize(b: Build, op: str) -> None:
    n = b.draw.choices((0, 1, 2, 3), (5, 20, 60, 15))[0]
    shape = (b.one(1, 1, 2), b.number(1, 3), *(b.number(1, 8) for _ in range(n)))
    if b.chance(0.05):
        shape = b.dims(0, 6)
    scales = [1.0 if axis < 2 and b.chance(0.95) else b.one(1.0, 2.0, 2.0, 0.5, 1.5, 3.0) for axis in range(len(shape))]
    mode = b.one("nearest", "linear", "cubic") if b.opset > 10 and op == "Resize" else b.one("nearest", "linear")
    more = {"mode": mode} if mode != "nearest" or b.chance(0.4) else {}
    data = b.data(b.dtype(op, "T1" if op == "Resize" and b.opset > 10 else "T"), shape)
    factors = np.array(scales, np.float32)
    if op == "Upsample" and b.opset < 9:
        b.node(op, [data], scales=[max(1.0, s) for s in scales], **more)
        return
    if b.opset < 11 or op == "Upsample":
        b.node(
            op,
            [data, b.weights("FLOAT", (len(scales),), np.maximum(factors, 1.0) if op == "Upsample" else factors)],
            **more,
        )
        return
    transformations = ["half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric", "tf_crop_and_resize"]
    transformations += ["half_pixel_symmetric"] if b.opset > 18 else []
    more |= b.some(
        coordinate_transformation_mode=b.draw.choice(transformations), cubic_coeff_a=-0.5 if mode == "cubic" else None,
        nearest_mode=b.one("round_prefer_floor", "round_prefer_ceil", "floor", "ceil") if mode == "nearest" else None,
        exclude_outside=b.one(0, 1) if b.chance(0.2) else None, extrapolation_value=1.0 if b.chance(0.1) else None,
    )  # fmt: skip
    region = b.weights("FLOAT", (2 * len(shape),), np.array([0.0] * len(shape) + [1.0] * len(shape)))
    roi = region if more.get("coordinate_transformation_mode") == "tf_crop_and_resize" or b.opset < 13 else None
    axes = None
    if b.opset > 17 and b.chance(0.2) and n:
        axes = list(range(2, len(shape)))
        more["axes"] = axes
        more |= b.some(
            antialias=b.one(0, 1),
            keep_aspect_ratio_policy=b.one("stretch", "not_larger", "not_smaller") if b.chance(0.3) else None,
        )
    if axes is not None:
        factors = factors[2:]
        roi = b.weights("FLOAT", (2 * len(axes),)) if roi is not None else None
    sizes = [max(1, int(s * shape[axis])) for s, axis in zip(factors, axes or range(len(shape)), strict=False)]
    if b.chance(0.5):
        b.node(op, [data, roi, b.weights("FLOAT", (len(factors),), factors)], **more)
    else:
        empty = b.constant("FLOAT", (0,), np.zeros(0)) if b.opset < 13 else None
        b.node(op, [data, roi, empty, b.ints(sizes if sizes else np.zeros(0, np.int64))], **more)


@strategy("Trilu")
def triangle(b: Build, op: str) -> None:
    second = b.ints(b.number(-2, 2)) if b.chance(0.5) else None
    b.node(op, [b.data(b.dtype(op), b.dims(2)), second], **b.some(upper=b.one(0, 1)))


@strategy("EyeLike", "RandomNormalLike", "RandomUniformLike", "Multinomial")
def like(b: Build, op: str) -> None:
    shape = (b.number(1, 4), b.number(1, 4)) if op in ("EyeLike", "Multinomial") else b.dims()
    kinds = {"EyeLike": (1, 1, 10, 6, 7), "Multinomial": (6, 7)}
    more = b.some(dtype=b.one(*kinds.get(op, (1, 1, 10))))
    more |= b.some(k=b.number(-1, 1)) if op == "EyeLike" else {}
    b.node(op, [b.data(b.dtype(op, "T1"), shape)], **more)


@strategy("RandomNormal", "RandomUniform")
def noise(b: Build, op: str) -> None:
    b.node(op, [], shape=list(b.dims(1, 4)), **b.some(dtype=b.one(1, 1, 10), seed=1.0))


@strategy("Range")
def span(b: Build, op: str) -> None:
    dtype = b.dtype(op)
    b.node(op, [b.scalar(dtype, 0), b.scalar(dtype, b.number(0, 6)), b.scalar(dtype, b.one(1, 1, 2))])


@strategy("ConstantOfShape")
def filled(b: Build, op: str) -> None:
    shape = b.dims(0, 4)
    value = {"value": tensor_of("", b.dtype(op, "T2"), np.ones(1))} if b.chance(0.6) else {}
    b.node(op, [b.ints(shape if shape else np.zeros(0, np.int64))], **value)


@strategy("Constant")
def written(b: Build, op: str) -> None:
    kind = (
        b.one("value", "value", "value_int", "value_ints", "value_float", "value_floats") if b.opset > 11 else "value"
    )
    dtype, shape = b.dtype(op), b.dims(0, 3)
    shape = shape if math.prod(shape) < 10_000 else (2,)
    value = {
        "value": lambda: tensor_of("", dtype, b.elements(dtype, shape)), "value_int": lambda: 3,
        "value_ints": lambda: [1, 2], "value_float": lambda: 0.5, "value_floats": lambda: [0.5, 1.0],
    }[kind]()  # fmt: skip
    (found,) = b.node(op, [], **{kind: value})
    if found.shape is not None and found.dtype in ("FLOAT", "INT64", "FLOAT16", "INT32"):
        b.node("Add", [found, b.data(found.dtype, found.shape)])


@strategy("Shape")
def shape_of(b: Build, op: str) -> None:
    more = b.some(start=b.one(0, 1, -1), end=b.one(2, -1)) if b.opset > 14 and b.chance(0.4) else {}
    (found,) = b.node(op, [b.data(b.dtype(op), b.dims())], **more)
    if b.chance(0.5):
        b.node(b.one("Identity", "Cast", "Abs"), [found], **({"to": 1} if b.nodes[-1].op_type == "Cast" else {}))


@strategy("Compress")
def compress(b: Build, op: str) -> None:
    shape = b.dims(1, 4)
    axis = b.number(0, len(shape) - 1)
    b.node(op, [b.data(b.dtype(op), shape), operand(b, "BOOL", (shape[axis],))], axis=axis)


@strategy("ReverseSequence")
def reverse(b: Build, op: str) -> None:
    shape = (b.number(1, 4), b.number(1, 4), *b.dims(0, 3))
    batch = b.one(0, 1)
    more = {"batch_axis": batch, "time_axis": 1 - batch}
    b.node(op, [b.data(b.dtype(op), shape), operand(b, "INT64", (shape[batch],))], **more)


@strategy("CenterCropPad")
def crop(b: Build, op: str) -> None:
    shape = b.dims(1, 4)
    b.node(op, [b.data(b.dtype(op), shape), b.ints([b.number(1, 6) for _ in shape])])


@strategy("NonMaxSuppression")
def suppress(b: Build, op: str) -> None:
    more = [b.one(None, b.ints([3])), b.one(None, b.constant("FLOAT", (1,), np.array([0.5])))]
    b.node(op, [b.data("FLOAT", (1, 8, 4)), b.data("FLOAT", (1, 2, 8)), *more])
