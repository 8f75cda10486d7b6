"""What works along axes: reductions, selections, sums."""

from __future__ import annotations

from typing import Any

import numpy as np

from generated.build import Build
from generated.registry import strategy


def _axes(b: Build, rank: int, most: int = 3) -> list[int]:
    count = min(b.number(1, most), rank)
    axes = b.draw.sample(range(rank), count)
    if b.chance(0.7):
        axes.sort()
    return [axis - rank if b.chance(0.3) else axis for axis in axes] if b.chance(0.95) or not rank else [rank]


def _reduces_by_input(op: str, opset: int) -> bool:
    return opset >= (13 if op == "ReduceSum" else 18)


@strategy(
    *(f"Reduce{kind}" for kind in ("L1", "L2", "LogSum", "LogSumExp", "Max", "Mean", "Min", "Prod", "Sum", "SumSquare"))
)
def reduction(b: Build, op: str) -> None:
    shape = b.dims(1) if b.chance(0.97) else ()
    data = b.data(b.dtype(op), shape)
    more = b.some(keepdims=b.one(0, 1))
    axes = _axes(b, len(shape)) if b.chance(0.8) and shape else None
    if not _reduces_by_input(op, b.opset):
        b.node(op, [data], **more, **({"axes": axes} if axes is not None else {}))
        return
    if b.chance(0.15):
        more["noop_with_empty_axes"] = b.one(0, 1)
    second = b.ints(axes) if axes is not None else b.ints(np.zeros(0, np.int64)) if b.chance(0.1) else None
    b.node(op, [data, second], **more)


@strategy("ArgMax", "ArgMin", "Softmax", "LogSoftmax", "Hardmax", "Flatten")
def along_axis(b: Build, op: str) -> None:
    shape = b.dims(1) if b.chance(0.97) else ()
    more = b.some(axis=b.number(-len(shape) if b.opset > 10 else 0, max(len(shape) - 1, 0)))
    if op.startswith("Arg"):
        more |= b.some(keepdims=b.one(0, 1))
        more |= {"select_last_index": b.one(0, 1)} if b.opset > 11 and b.chance(0.1) else {}
    if op == "Flatten" and b.chance(0.1):
        more["axis"] = len(shape)
    b.node(op, [b.data(b.dtype(op), shape)], **more)


@strategy("TopK")
def top_k(b: Build, op: str) -> None:
    shape = b.dims(1, largest=8)
    axis = b.number(-len(shape) if b.opset > 10 else 0, len(shape) - 1)
    written = b.chance(0.6)
    length = shape[axis] if written else shape[-1]
    more: dict[str, Any] = {"axis": axis} if written else {}
    if b.opset > 10:
        more |= b.some(largest=b.one(0, 1), sorted=b.one(1, 1, 0))
    k = b.number(1 if length else 0, max(length, 0)) if b.chance(0.97) else length + 1
    if b.opset < 10:
        b.node(op, [b.data(b.dtype(op), shape)], 2, k=k, **more)
    else:
        b.node(op, [b.data(b.dtype(op), shape), b.ints([k])], 2, **more)


@strategy("CumSum")
def cumulative(b: Build, op: str) -> None:
    shape = b.dims(1)
    axis = b.ints(b.number(-len(shape), len(shape) - 1), b.one("INT64", "INT32"))
    b.node(op, [b.data(b.dtype(op), shape), axis], **b.some(exclusive=b.one(0, 1), reverse=b.one(0, 1)))
