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


def convolve(builder: Builder, value: str, weights: Any, bias: Any | None, **attributes: Any) -> str:
    """One convolution; `weights` are (in, out), of a 1x1 convolution, or (in, out, kernel...), `bias` is (out)."""
    full = weights[:, :, None, None] if weights.ndim == 2 else weights
    return builder.conv(value, full.swapaxes(0, 1), bias, **attributes)


def convolve_in_parts(
    builder: Builder,
    value: str,
    dims: tuple[int, int, int, int],
    weights: Any,
    bias: Any | None,
    size: tuple[int, int] | None = None,
    **attributes: Any,
) -> str:
    """The same with convolutions of at most `WIDE` channels, on a value of these dimensions.

    `size` are the height and width of the result, where they are others.
    """
    batch, channels, *places = dims
    made = weights.shape[1]
    pieces = _taken(builder, value, dims, weights)
    inside, outside = channels // len(pieces), made // parts(made)
    results = []
    for first in range(0, made, outside):
        columns = slice(first, first + outside)
        products = [
            convolve(
                builder, piece, weights[at * inside : (at + 1) * inside, columns],
                None if at or bias is None else bias[columns], **attributes,
            )
            for at, piece in enumerate(pieces)
        ]  # fmt: skip
        results.append(add_all(builder, products))
    height, width = size or places
    return _joined(builder, results, (batch, made, height, width), weights)


def convolve_each_in_parts(
    builder: Builder,
    value: str,
    dims: tuple[int, int, int, int],
    weights: Any,
    bias: Any | None,
    size: tuple[int, int],
    **attributes: Any,
) -> str:
    """A depthwise convolution by depthwise ones of at most `WIDE` channels; `weights` are (channels, 1, kernel...)."""
    pieces = _taken(builder, value, dims, weights)
    inside = dims[1] // len(pieces)
    results = []
    for at, piece in enumerate(pieces):
        rows = slice(at * inside, (at + 1) * inside)
        own = None if bias is None else bias[rows]
        results.append(builder.conv(piece, weights[rows], own, group=inside, **attributes))
    return _joined(builder, results, (dims[0], dims[1], *size), weights)


def _taken(builder: Builder, value: str, dims: tuple[int, int, int, int], like: Any) -> list[str]:
    """Equal parts of the channels, of at most `WIDE`.

    A part is taken by seeing the channels as [N, parts, channels / parts, places] and convolving the parts with zeros
    and a one.
    """
    batch, channels, height, width = dims
    count = parts(channels)
    if count == 1:
        return [value]
    seen = builder.reshape(value, (batch, count, channels // count, height * width))
    taken = [convolve(builder, seen, _one(at, 0, (count, 1), like), None) for at in range(count)]
    return [builder.reshape(piece, (batch, channels // count, height, width)) for piece in taken]


def _joined(builder: Builder, results: list[str], dims: tuple[int, int, int, int], like: Any) -> str:
    """The reverse: parts of the channels at their places among zeros, added."""
    batch, channels, height, width = dims
    count = len(results)
    if count == 1:
        return results[0]
    placed = [
        convolve(
            builder, builder.reshape(part, (batch, 1, channels // count, height * width)),
            _one(0, at, (1, count), like), None,
        )
        for at, part in enumerate(results)
    ]  # fmt: skip
    return builder.reshape(add_all(builder, placed), dims)


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
