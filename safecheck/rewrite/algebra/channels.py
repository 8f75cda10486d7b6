"""Sums, maxima and copies over the channels of a value [batch, channels, places, 1], also of very many channels."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any

from safecheck.rewrite.algebra import arrange
from safecheck.rewrite.algebra.pointwise import WIDE
from safecheck.rewrite.builder import Builder


def as_channels(dims: tuple[int, ...], axes: tuple[int, ...]) -> Any:
    """Element numbers as [batch, entries, places, 1], the entries being those along some axes, the rest in its order.

    Of neighbouring axes only the last two of four have to be exchanged, and only if they are the last ones.
    """
    lead = dims[: axes[0]]
    kept = [axis for axis in range(axes[0], len(dims)) if axis not in axes]
    numbers = arrange.enumerated(dims)
    if lead and prod(dims[axis] for axis in kept) == 1:
        lead, count = lead[:-1], prod(dims[axis] for axis in axes)
        return numbers.reshape(prod(lead), -1, count).swapaxes(1, 2)[..., None]
    order = [*range(len(lead)), *axes, *kept]
    shape = prod(lead), prod(dims[axis] for axis in axes), prod(dims[axis] for axis in kept), 1
    return numbers.transpose(order).reshape(shape)


@dataclass(frozen=True)
class Channels:
    """Writes programs on values of one shape; `kind` is their numpy type."""

    builder: Builder
    batch: int
    count: int
    places: int
    kind: Any

    @property
    def factors(self) -> tuple[int, ...]:
        """Factors of the number of channels, the smallest first; none is wider than a convolution may be."""
        found, rest, divisor = [], self.count, 2
        while rest > 1:
            while rest % divisor:
                divisor = divisor + 1 if divisor * divisor <= rest else rest
            found.append(divisor)
            rest //= divisor
        return tuple(found)

    @property
    def fits(self) -> bool:
        """Whether the number of channels falls into factors that convolutions can take."""
        return max((*self.factors, 1)) <= WIDE

    @property
    def levels(self) -> int:
        """How many maxima of two stand one behind the other in `maximum`."""
        return sum((factor - 1).bit_length() for factor in self.factors)

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """Of the values with all channels."""
        return self.batch, self.count, self.places, 1

    def sum(self, value: str) -> str:
        """The sums [batch, 1, places, 1]."""
        import numpy

        rest = self.count
        for position, factor in enumerate(self._steps()):
            value = self._view(value, (1, rest) if position else (rest, 1), (factor, rest // factor))
            value = self.builder.conv(value, numpy.ones((1, factor, 1, 1), self.kind))
            rest //= factor
        return value

    def spread(self, value: str, scale: float = 1.0, shift: float = 0.0) -> str:
        """The same value * scale + shift in every channel, from [batch, 1, places, 1]."""
        import numpy

        made = 1
        for factor in self._steps() or (1,):
            value = value if made == 1 else self.builder.reshape(value, (self.batch, 1, made * self.places, 1))
            weights = numpy.full((factor, 1, 1, 1), scale, self.kind)
            bias = numpy.full(factor, shift, self.kind) if shift else None
            value = self.builder.conv(value, weights, bias)
            made, scale, shift = made * factor, 1.0, 0.0
        return value if len(self._steps()) < 2 else self.builder.reshape(value, self.shape)

    def maximum(self, value: str) -> str:
        """The largest of every place, [batch, 1, places, 1], by halving: a + relu(b - a) of two halves."""
        rest, first = self.count, True
        for factor in self.factors:
            value = self._view(value, (self.count, 1) if first else (1, rest), (factor, rest // factor))
            rest, first = rest // factor, False
            while factor > 1:
                value, factor = self._halved(value, factor)
        return value

    def _halved(self, value: str, size: int) -> tuple[str, int]:
        """The larger of two channels each; of an odd number the last one is taken twice."""
        import numpy

        half = (size + 1) // 2
        entries = numpy.eye(size, dtype=self.kind)[:, :, None, None]
        first, second = entries[:half], entries[numpy.minimum(numpy.arange(half, 2 * half), size - 1)]
        larger = self.builder.add("Relu", [self.builder.conv(value, second - first)])
        return self.builder.add("Add", [self.builder.conv(value, first), larger]), half

    def _steps(self) -> tuple[int, ...]:
        """Factors of the number of channels, as few as convolutions allow."""
        merged: list[int] = []
        for factor in reversed(self.factors):
            if merged and merged[-1] * factor <= WIDE:
                merged[-1] *= factor
            else:
                merged.append(factor)
        return tuple(merged)

    def _view(self, value: str, current: tuple[int, int], wanted: tuple[int, int]) -> str:
        """The value [batch, channels, rest * places, 1] with other channels and rest; nothing moves."""
        if current == wanted:
            return value
        return self.builder.reshape(value, (self.batch, wanted[0], wanted[1] * self.places, 1))
