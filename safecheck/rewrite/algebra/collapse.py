"""Reduce axes to size 1, a run of neighbouring axes at a time, with pools or 1x1 convolutions on four dimensions.

A mean of means of equally many elements is their mean, a sum of sums their sum, a maximum of maxima their maximum; so a
long axis is reduced factor by factor where a window or a number of channels is limited.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby
from math import prod
from typing import Any

from safecheck.rewrite.algebra.pointwise import WIDE
from safecheck.rewrite.builder import Builder

WINDOW = 22
"""The largest pooling window that any scope is known to allow (rule `scope10-pool-window`)."""


class Collapse:
    """One value on its way; counts how many elements its sums have in a row."""

    def __init__(self, builder: Builder, value: str, dims: Sequence[int]) -> None:
        self.builder = builder
        self.value = value
        self.dims = tuple(dims)
        self._start = len(builder.nodes)
        self.roundings = 0
        """How many roundings an element may meet: n - 1 additions and one or two products per stage of n elements."""

    def view(self, dims: Sequence[int]) -> None:
        """See the value with other dimensions."""
        if tuple(dims) == self.dims:
            return
        own = self.builder.nodes[self._start :]  # others may read what was written before
        last = own[-1] if own else None
        if last is not None and last.op_type == "Reshape":
            self.value = self.builder.nodes.pop().input[0]
        self.value = self.builder.reshape(self.value, dims)
        self.dims = tuple(dims)

    def square(self) -> None:
        """Multiply the value by itself, on four dimensions."""
        lead = max(0, len(self.dims) - 3)
        self.view((1,) * (4 - len(self.dims)) + (prod(self.dims[:lead]),) * (lead > 0) + self.dims[lead:])
        self.value = self.builder.add("Mul", [self.value, self.value])
        self.roundings += 1

    def pool(self, op_type: str, axes: Sequence[int], most: int | None) -> None:
        """Reduce by pools with windows up to `most` elements long; None: one window per run of axes."""
        for before, size, behind in _runs(self.dims, axes):
            parts = factors(size, most) if most else [size]
            while parts:
                # Behind the last axis there is nothing to keep, so the window may be two factors high and wide.
                window = (parts.pop(), parts.pop() if behind == 1 and parts else 1)
                last = behind if behind > 1 else window[1]
                self.view((1, before * prod(parts), window[0], last))
                self.pool_at(op_type, window)
            self.view((1, before, 1, behind))

    def pool_at(self, op_type: str, window: Sequence[int]) -> None:
        """Apply a pool to the last two of four dimensions as they are."""
        self.value = self.builder.add(op_type, [self.value], kernel_shape=list(window), strides=[1, 1])
        self.dims = (*self.dims[:2], self.dims[2] - window[0] + 1, self.dims[3] - window[1] + 1)
        self.roundings += prod(window)

    def convolve(self, factor: Callable[[int], float], dtype: Any, axes: Sequence[int]) -> None:
        """Reduce by convolutions to one channel, whose weights are all `factor` of their number."""
        for before, size, behind in _runs(self.dims, axes):
            parts = factors(size, WIDE)
            while parts:
                count = parts.pop()
                rows = before * prod(parts)
                if behind == 1 and rows > 1:  # the rows go into space, so that the batch does not grow
                    self.view((1, 1, rows, count))
                    self.value = self.builder.transpose(self.value, (0, 1, 3, 2))
                    self.dims = (1, 1, count, rows)
                    self.view((1, count, rows, 1))
                else:
                    self.view((rows, count, behind, 1))
                self.convolve_channels(factor(count), dtype)
            self.view((1, before, 1, behind))

    def convolve_channels(self, weight: float, dtype: Any) -> None:
        """Sum the channels of four dimensions, each times the weight."""
        import numpy

        count = self.dims[1]
        self.value = self.builder.conv(self.value, numpy.full((1, count, 1, 1), weight, dtype))
        self.dims = (self.dims[0], 1, *self.dims[2:])
        self.roundings += count + 1


def _runs(dims: Sequence[int], axes: Sequence[int]) -> list[tuple[int, int, int]]:
    """Runs of reduced axes from behind: elements before (still all of them), inside and behind (kept ones only)."""
    merged: list[tuple[bool, int]] = []
    fates = [(axis in axes, dim) for axis, dim in enumerate(dims) if dim != 1]
    for reduced, part in groupby(fates, key=lambda fate: fate[0]):
        merged.append((reduced, prod(dim for _, dim in part)))
    return [
        (
            prod(dim for _, dim in merged[:position]),
            size,
            prod(dim for other, dim in merged[position + 1 :] if not other),
        )
        for position, (reduced, size) in reversed(list(enumerate(merged)))
        if reduced
    ]


def factors(number: int, most: int) -> list[int]:
    """Factors up to `most`, as few as a first fit finds; a larger prime stays whole."""
    primes, rest, divisor = [], number, 2
    while rest > 1:
        while rest % divisor == 0:
            primes.append(divisor)
            rest //= divisor
        divisor = divisor + 1 if divisor * divisor <= rest else max(rest, divisor + 1)
    bins: list[int] = []
    for prime in sorted(primes, reverse=True):
        fitting = next((position for position, size in enumerate(bins) if size * prime <= most), None)
        if fitting is None:
            bins.append(prime)
        else:
            bins[fitting] *= prime
    return sorted(bins)
