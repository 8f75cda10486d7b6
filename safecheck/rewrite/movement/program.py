"""Write the program of a factored index map: reshapes, transposes, and a way to pick entries of an axis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Literal

from safecheck.ir.protos import numpy_type
from safecheck.rewrite.builder import Builder
from safecheck.rewrite.movement.axis import Axis
from safecheck.rewrite.movement.factor import Factored
from safecheck.rewrite.movement.permute import blocks, tail_swaps

Pick = Literal["copy", "product"]
"""How entries of an axis are picked: by Slice, Concat, Gather, Expand and Pad, or by a 1x1 convolution with a constant
of zeros and ones."""
Turn = Literal["tail", "rank-4", "any"]
"""Which transposes are written: exchanges of the last two of four axes, any of four axes, or one of any rank."""

_MAX_RUNS = 8
_MAX_WEIGHTS = 1 << 23
_WIDE = 1024
"""Above so many entries a reversed axis is reversed factor by factor, which needs far fewer weights."""


@dataclass(frozen=True)
class Style:
    """How a program is written."""

    pick: Pick
    turn: Turn


STYLES = tuple(Style(pick, turn) for pick in ("copy", "product") for turn in ("tail", "rank-4", "any"))


class StyleError(Exception):
    """The map cannot be written in this style; the text says why."""


class Writer:
    """Writes nodes that carry one value from shape to shape."""

    def __init__(self, builder: Builder, value: str, dims: Sequence[int], dtype: str, style: Style) -> None:
        self.builder = builder
        self.value = value
        self.dims = tuple(dims)
        self.dtype = dtype
        self.style = style

    def write(self, maps: Sequence[Factored], result: Sequence[int]) -> str:
        """The whole program, one map after the other; returns the name of its value of dimensions `result`."""
        for map_ in maps:
            self._write(map_)
        self.view(result)
        return self.value

    def _write(self, map_: Factored) -> None:
        axes = list(map_.axes)
        picked = [position for position, axis in enumerate(axes) if axis.index is not None]
        # The axes that lose most go first, so that later steps move less.
        for position in sorted(picked, key=lambda at: axes[at].length / axes[at].size):
            sizes = [axis.size for axis in axes]
            for part in _parts(axes[position], self.style.pick):
                self._pick(prod(sizes[:position]) * part[0], part[1], part[2] * prod(sizes[position + 1 :]))
            axes[position] = Axis(axes[position].length)
        kept = [position for position, axis in enumerate(axes) if axis.size != 1]
        order = [kept.index(entry) for entry in map_.order if entry >= 0 and entry in kept]
        self._permute([axes[position].size for position in kept], order)
        self._repeat(map_, axes)
        self._spread(map_)

    def view(self, dims: Sequence[int]) -> None:
        """See the value with other dimensions."""
        if tuple(dims) == self.dims:
            return
        last = self.builder.nodes[-1] if self.builder.nodes else None
        if last is not None and last.op_type == "Reshape" and last.output[0] == self.value:
            self.builder.nodes.pop()
            self.value = last.input[0]
        self.value = self.builder.reshape(self.value, dims)
        self.dims = tuple(dims)

    def _permute(self, sizes: list[int], order: list[int]) -> None:
        groups = blocks(order)
        starts = sorted(group[0] for group in groups)
        goal = tuple(starts.index(group[0]) for group in groups)
        inside = {group[0]: prod(sizes[position] for position in group) for group in groups}
        extents = [inside[start] for start in starts]
        if goal == tuple(range(len(goal))):
            return
        if self.style.turn == "any" or (self.style.turn == "rank-4" and len(goal) <= 4):
            lead = max(0, 4 - len(goal))
            self._transpose([1] * lead + extents, [*range(lead), *(lead + position for position in goal)])
            return
        current = list(range(len(goal)))
        for i, j in tail_swaps(goal):
            before, left, right = (
                prod(extents[at] for at in part) for part in (current[:i], current[i:j], current[j:])
            )
            self._transpose([1, before, left, right], [0, 1, 3, 2])
            current = current[:i] + current[j:] + current[i:j]

    def _transpose(self, dims: list[int], order: list[int]) -> None:
        self.view(dims)
        self.value = self.builder.transpose(self.value, order)
        self.dims = tuple(dims[position] for position in order)

    def _pick(self, before: int, axis: Axis, after: int) -> None:
        """Take entries of the middle one of three axes."""
        self.view((1, before, axis.size, after) if self.style.pick == "copy" else (before, axis.size, after, 1))
        index = axis.index or ()
        if self.style.pick == "product":
            self._select(axis.size, index)
            return
        runs = _runs(index)
        if len(runs) > _MAX_RUNS:
            import numpy

            indices = self.builder.constant(numpy.array(index, numpy.int64))
            self.value = self.builder.add("Gather", [self.value, indices], axis=2)
        else:
            pieces = [self._slice(first, count, step) for first, count, step in runs]
            self.value = pieces[0] if len(pieces) == 1 else self.builder.add("Concat", pieces, axis=2)
        self.dims = (1, before, len(index), after)

    def _slice(self, first: int, count: int, step: int) -> str:
        import numpy

        last = first + step * count
        end = last if last >= 0 else -(2**31) + 1  # past the front; within INT32, which parsers read
        operands = [[first], [end], [2], [step]]
        if self.builder.graph.opset < 10:
            if step < 0:
                raise StyleError("a reversed slice needs opset 10")
            return self.builder.add("Slice", [self.value], starts=[first], ends=[end], axes=[2])
        names = [self.builder.constant(numpy.array(values, numpy.int64)) for values in operands]
        return self.builder.add("Slice", [self.value, *names])

    def _select(self, size: int, index: Sequence[int]) -> None:
        """A 1x1 convolution whose weights have a single one in every row, or none where a zero is wanted."""
        import numpy

        if self.dtype not in ("FLOAT", "FLOAT16"):
            raise StyleError(f"a convolution of {self.dtype} does not exist")
        if len(index) * size > _MAX_WEIGHTS:
            raise StyleError(f"a constant of {len(index)} x {size} zeros and ones is too large")
        weights = numpy.zeros((len(index), size, 1, 1), numpy_type(self.dtype))
        rows = [(row, entry) for row, entry in enumerate(index) if entry >= 0]
        weights[[row for row, _ in rows], [entry for _, entry in rows]] = 1
        self.value = self.builder.conv(self.value, weights)
        self.dims = (self.dims[0], len(index), *self.dims[2:])

    def _repeat(self, map_: Factored, axes: list[Axis]) -> None:
        import numpy

        sizes = [axes[entry].size if entry >= 0 else 1 for entry in map_.order]
        for position, entry in enumerate(map_.order):
            if entry >= 0:
                continue
            count = map_.repeats[-entry - 1]
            before, after = prod(sizes[:position]), prod(sizes[position + 1 :])
            if self.style.pick == "product":
                self.view((before, 1, after, 1))
                self._select(1, (0,) * count)
            else:
                if self.builder.graph.opset < 8:
                    raise StyleError("a repeated tensor needs opset 8")
                self.view((1, before, 1, after))
                target = self.builder.constant(numpy.array([1, before, count, after], numpy.int64))
                self.value = self.builder.add("Expand", [self.value, target])
                self.dims = (1, before, count, after)
            sizes[position] = count

    def _spread(self, map_: Factored) -> None:
        """Put zeros around the entries of axes, or between them."""
        import numpy

        shape = list(map_.shape)
        for position, index in enumerate(map_.spread):
            if index is None:
                continue
            before, size, after = prod(shape[:position]), shape[position], prod(shape[position + 1 :])
            shape[position] = len(index)
            if self.style.pick == "product":
                self.view((before, size, after, 1))
                self._select(size, index)
                continue
            low, high = index.index(0), index[::-1].index(size - 1)
            if low + size + high != len(index):
                raise StyleError("zeros between elements take a product")
            if self.builder.graph.opset < 11:
                raise StyleError("zeros around a tensor need opset 11 here")
            self.view((1, before, size, after))
            pads = self.builder.constant(numpy.array([0, 0, low, 0, 0, 0, high, 0], numpy.int64))
            self.value = self.builder.add("Pad", [self.value, pads])
            self.dims = (1, before, shape[position], after)


def _runs(index: Sequence[int]) -> list[tuple[int, int, int]]:
    """The fewest evenly spaced pieces, greedily: (first, count, step)."""
    runs: list[tuple[int, int, int]] = []
    at = 0
    while at < len(index):
        step = index[at + 1] - index[at] if at + 1 < len(index) else 1
        count = 1
        while step and at + count < len(index) and index[at + count] - index[at + count - 1] == step:
            count += 1
        runs.append((index[at], count, step if count > 1 else 1))
        at += count
    return runs


def _parts(axis: Axis, pick: Pick) -> list[tuple[int, Axis, int]]:
    """The axis, or for a wide reversal by products its factors, as (extent before, axis, extent after)."""
    reversed_ = axis.index == tuple(reversed(range(axis.size)))
    if pick == "copy" or not reversed_ or axis.size <= _WIDE:
        return [(1, axis, 1)]
    inner = next((part for part in range(int(axis.size**0.5), 1, -1) if axis.size % part == 0), 1)
    if inner == 1:
        return [(1, axis, 1)]
    outer = axis.size // inner
    return [
        (1, Axis(outer, tuple(reversed(range(outer)))), inner),
        (outer, Axis(inner, tuple(reversed(range(inner)))), 1),
    ]
