"""Repeat a value along axes where it has one element: with a linear resize of one pixel, or with convolutions."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from safecheck.ir.protos import numpy_type
from safecheck.rewrite.algebra.arrange import enumerated
from safecheck.rewrite.builder import Builder
from safecheck.rewrite.movement.factor import stages
from safecheck.rewrite.movement.program import Style, StyleError, Writer


def enlarged(builder: Builder, value: str, scales: Sequence[float]) -> str:
    """A linear resize of four dimensions by these factors."""
    import numpy

    inputs = [value, "", builder.constant(numpy.asarray(scales, numpy.float32))]
    return builder.add("Resize", inputs, mode="linear", coordinate_transformation_mode="half_pixel")


def resized(builder: Builder, value: str, own: Sequence[int], dims: Sequence[int], dtype: str) -> str:
    """One pixel becomes a map of equal pixels: a linear resize interpolates between equals.

    Raises:
        StyleError: other axes than height and width have to grow.
    """
    own, given = (1,) * (len(dims) - len(own)) + tuple(own), tuple(own)
    if own == tuple(dims):
        return value
    spatial = all(size in (1, wanted) for size, wanted in zip(own[2:], dims[2:], strict=True))
    if len(dims) != 4 or own[:2] != tuple(dims[:2]) or not spatial or builder.graph.opset < 11:
        raise StyleError("a resize repeats pixels only")
    if len(given) != 4:
        value = builder.reshape(value, own)
    return enlarged(builder, value, [wanted / size for size, wanted in zip(own, dims, strict=True)])


def multiplied(
    builder: Builder, value: str, own: Sequence[int], dims: Sequence[int], dtype: str, seen: Sequence[int] | None = None
) -> str:
    """Repeat along any axes with convolutions whose weights are ones; `seen` are the dimensions that the value has.

    Raises:
        FactorError, StyleError: the program has no such form.
    """
    import numpy

    own = tuple(own)
    seen = own if seen is None else seen
    if own == tuple(dims) == tuple(seen):
        return value
    if len(own) == 4 and own == tuple(seen) and own == (dims[0], 1, *dims[2:]):
        return builder.conv(value, numpy.ones((dims[1], 1, 1, 1), numpy_type(dtype)))
    numbers = numpy.broadcast_to(enumerated(own), tuple(dims))
    program = stages(numpy.ascontiguousarray(numbers), prod(own))
    return Writer(builder, value, seen, dtype, Style("product", "tail")).write(program, dims)
