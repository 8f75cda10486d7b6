"""Elementwise programs on four dimensions: scalar factors and addends as depthwise 1x1 convolutions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import prod
from typing import Any

from safecheck.ir.protos import numpy_type
from safecheck.rewrite.algebra.pointwise import parts
from safecheck.rewrite.builder import Builder
from safecheck.rewrite.graph import MutableGraph

VIEWS = ("Flatten", "Reshape", "Squeeze", "Unsqueeze")
"""Operators that see the same elements in the same order with other dimensions."""
UNSIGNED_ZERO = "a convolution turns -0 into +0"


def seen(dims: Sequence[int]) -> tuple[int, int, int, int]:
    """Four dimensions for the same elements in the same order, the second one no wider than convolutions may be.

    Four dimensions that are fine already stay as they are.
    """
    lead = (dims[0], dims[1]) if len(dims) > 1 else (1, prod(dims))
    channels = lead[1] // parts(lead[1])
    if len(dims) == 4 and channels == lead[1]:
        return lead[0], channels, dims[2], dims[3]
    return lead[0], channels, prod(dims) // (lead[0] * channels), 1


class Plane:
    """Values of one shape and type while a program is written."""

    def __init__(self, builder: Builder, dims: Sequence[int], dtype: str) -> None:
        self.builder = builder
        self.dims = tuple(dims)
        self.dtype = numpy_type(dtype)
        self.seen = seen(dims)
        self._sources: dict[str, str] = {}

    def enter(self, value: str) -> str:
        """An existing value in four dimensions: as it was before it was reshaped, if it had four of them then."""
        if self.seen == self.dims:
            return value
        source = before_reshapes(self.builder.graph, value)
        dims = self.builder.graph.dims(source) or ()
        if not self._sources and len(dims) == 4 and seen(dims) == dims:
            self.seen = seen(dims)
        self._sources[value] = source
        return source if dims == self.seen else self.builder.reshape(source, self.seen)

    def view(self, value: str) -> str:
        """A new value of the program in four dimensions."""
        return value if self.seen == self.dims else self.builder.reshape(value, self.seen)

    def inputs(self, values: Iterable[str]) -> list[str]:
        """Where the program starts, for values that it has entered or reads as they are."""
        return list(dict.fromkeys(self._sources.get(value, value) for value in values))

    def fed(self, feed: Mapping[str, Any], value: str) -> Any:
        """A value in float64, from what its source is fed."""
        import numpy

        data = feed[self._sources.get(value, value)].astype(numpy.float64)
        return data.reshape(self.dims) if value in self._sources else data

    def magnitude(self, feed: Mapping[str, Any], value: str) -> Any:
        """The magnitudes of a value in float64."""
        return abs(self.fed(feed, value))

    def leave(self, value: str) -> str:
        """A new value with the dimensions that it had outside."""
        return value if self.seen == self.dims else self.builder.reshape(value, self.dims)

    def affine(self, value: str, scale: Any, shift: Any = 0.0) -> str:
        """The sum value * scale + shift with numbers, or with one number per channel of `seen`."""
        import numpy

        channels = (self.seen[1],)
        weights = numpy.broadcast_to(numpy.asarray(scale, self.dtype), channels).reshape(-1, 1, 1, 1)
        bias = numpy.broadcast_to(numpy.asarray(shift, self.dtype), channels)
        return self.builder.conv(value, weights, bias if bool(bias.any()) else None, group=channels[0])

    def add(self, left: str, right: str) -> str:
        """The sum of two values."""
        return self.builder.add("Add", [left, right])

    def multiply(self, left: str, right: str) -> str:
        """The product of two values."""
        return self.builder.add("Mul", [left, right])

    def relu(self, value: str) -> str:
        """What is positive, else zero."""
        return self.builder.add("Relu", [value])

    def sigmoid(self, value: str) -> str:
        """1 / (1 + exp(-value))."""
        return self.builder.add("Sigmoid", [value])


def before_reshapes(graph: MutableGraph, value: str) -> str:
    """The nearest earlier value of four dimensions with the same elements in the same order, or the value itself."""
    name = value
    while len(graph.dims(name) or ()) != 4:
        maker = graph.producer(name)
        reshapes = maker is not None and maker.op_type in VIEWS
        if maker is None or not reshapes or graph.dims(maker.input[0]) is None:
            return value
        name = maker.input[0]
    return name
