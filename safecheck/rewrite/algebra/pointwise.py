"""1x1 convolutions, also with more channels than a profile may take."""

from __future__ import annotations

from typing import Any

from safecheck.ir.protos import numpy_type
from safecheck.rewrite.builder import Builder

WIDE = 2304
"""Channels of the widest convolution in NVIDIA's CSA network, the widest that anybody has shown in restricted mode."""


def rounded(array: Any, dtype: str) -> Any | None:
    """A float64 constant in an ONNX type; None if that overflows or loses digits below the normal range."""
    import numpy

    kind = numpy.dtype(numpy_type(dtype))
    with numpy.errstate(over="ignore"):
        result = array.astype(kind)
    lost = (numpy.abs(result) < numpy.finfo(kind).tiny) & (array != result)
    return None if bool(lost.any()) or not bool(numpy.isfinite(result).all()) else result


def parts(channels: int) -> int:
    """In how many equal parts of at most `WIDE` some channels fall."""
    return next(count for count in range(-(-channels // WIDE), channels + 1) if channels % count == 0)


def convolve(builder: Builder, value: str, weights: Any, bias: Any | None) -> str:
    """One 1x1 convolution; `weights` are (in, out), `bias` is (out)."""
    return builder.conv(value, weights.T[:, :, None, None], bias)


def convolve_in_parts(
    builder: Builder, value: str, dims: tuple[int, int, int, int], weights: Any, bias: Any | None
) -> str:
    """The same with convolutions of at most `WIDE` channels.

    A part of the channels is taken by seeing them as [N, parts, channels / parts, places] and convolving the parts with
    zeros and a one; the parts of the result are put together the same way and added.
    """
    batch, channels, height, width = dims
    made = weights.shape[1]
    ins, outs = parts(channels), parts(made)
    inside, outside = channels // ins, made // outs
    pieces = [value]
    if ins > 1:
        seen = builder.reshape(value, (batch, ins, inside, height * width))
        taken = [convolve(builder, seen, _one(at, 0, (ins, 1), weights), None) for at in range(ins)]
        pieces = [builder.reshape(piece, (batch, inside, height, width)) for piece in taken]
    results = []
    for first in range(0, made, outside):
        columns = slice(first, first + outside)
        products = [
            convolve(
                builder, piece, weights[at * inside : (at + 1) * inside, columns],
                None if at or bias is None else bias[columns],
            )
            for at, piece in enumerate(pieces)
        ]  # fmt: skip
        results.append(add_all(builder, products))
    if outs == 1:
        return results[0]
    placed = [
        convolve(
            builder, builder.reshape(part, (batch, 1, outside, height * width)), _one(0, at, (1, outs), weights), None
        )
        for at, part in enumerate(results)
    ]
    return builder.reshape(add_all(builder, placed), (batch, made, height, width))


def add_all(builder: Builder, values: list[str]) -> str:
    """The sum of values of equal shape, from the first to the last."""
    total = values[0]
    for value in values[1:]:
        total = builder.add("Add", [total, value])
    return total


def _one(row: int, column: int, shape: tuple[int, int], like: Any) -> Any:
    import numpy

    matrix = numpy.zeros(shape, like.dtype)
    matrix[row, column] = 1
    return matrix
