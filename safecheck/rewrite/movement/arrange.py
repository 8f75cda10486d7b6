"""Operators that keep every element and arrange them anew."""

from __future__ import annotations

from typing import Any

from safecheck.rewrite.attributes import integer, integers, operand, text
from safecheck.rewrite.graph import MutableGraph
from safecheck.rewrite.movement import nearest
from safecheck.rewrite.movement.numbers import ZERO, Numbers
from safecheck.rewrite.movement.selection import einsum_order


def reshaped(graph: MutableGraph, node: Any, data: list[Numbers]) -> list[Numbers]:
    """Another view of the same elements in the same order."""
    return [data[0].reshape(graph.dims(node.output[0]))]


def transpose(graph: MutableGraph, node: Any, data: list[Numbers]) -> list[Numbers]:
    """Transpose; negative axes count from the end."""
    rank = data[0].ndim
    order = integers(node, "perm")
    return [data[0].transpose([axis % rank for axis in order] if order is not None else None)]


def expand(graph: MutableGraph, node: Any, data: list[Numbers]) -> list[Numbers]:
    """Expand."""
    import numpy

    return [numpy.broadcast_to(data[0], graph.dims(node.output[0]) or ())]


def tile(graph: MutableGraph, node: Any, data: list[Numbers]) -> list[Numbers]:
    """Tile."""
    import numpy

    return [numpy.tile(data[0], operand(graph, node, 1) or ())]


def depth_to_space(graph: MutableGraph, node: Any, data: list[Numbers]) -> list[Numbers]:
    """DepthToSpace."""
    block = integer(node, "blocksize", 1)
    n, c, h, w = data[0].shape
    if text(node, "mode", "DCR") == "DCR":
        moved = data[0].reshape(n, block, block, c // block**2, h, w).transpose(0, 3, 4, 1, 5, 2)
    else:
        moved = data[0].reshape(n, c // block**2, block, block, h, w).transpose(0, 1, 4, 2, 5, 3)
    return [moved.reshape(n, c // block**2, h * block, w * block)]


def space_to_depth(graph: MutableGraph, node: Any, data: list[Numbers]) -> list[Numbers]:
    """SpaceToDepth."""
    block = integer(node, "blocksize", 1)
    n, c, h, w = data[0].shape
    moved = data[0].reshape(n, c, h // block, block, w // block, block).transpose(0, 3, 5, 1, 2, 4)
    return [moved.reshape(n, c * block**2, h // block, w // block)]


def reverse_sequence(graph: MutableGraph, node: Any, data: list[Numbers]) -> list[Numbers]:
    """ReverseSequence."""
    import numpy

    time, batch = integer(node, "time_axis", 0), integer(node, "batch_axis", 1)
    view = numpy.moveaxis(data[0], (batch, time), (0, 1)).copy()
    for row, length in zip(view, operand(graph, node, 1) or (), strict=True):
        row[:length] = row[:length][::-1]
    return [numpy.moveaxis(view, (0, 1), (batch, time))]


def pad(graph: MutableGraph, node: Any, data: list[Numbers]) -> list[Numbers]:
    """Pad in every mode; negative pads crop."""
    import numpy

    rank = data[0].ndim
    mode: Any = text(node, "mode", "constant")
    pads = operand(graph, node, 1) or integers(node, "pads") or integers(node, "paddings") or ()
    given = operand(graph, node, 3) if len(node.input) > 3 else ()
    axes = [axis % rank for axis in given or range(rank)]
    widths = [(0, 0)] * rank
    for position, axis in enumerate(axes):
        widths[axis] = (pads[position], pads[position + len(axes)])
    inner = data[0][
        tuple(
            slice(max(0, -low), size - max(0, -high)) for (low, high), size in zip(widths, data[0].shape, strict=True)
        )
    ]
    widths = [(max(0, low), max(0, high)) for low, high in widths]
    if mode != "constant":
        return [numpy.pad(inner, widths, mode=mode)]
    fill = int(data[1].reshape(-1)[0]) if len(data) > 1 else ZERO
    return [numpy.pad(inner, widths, constant_values=fill)]


def grid_sample(graph: MutableGraph, node: Any, data: list[Numbers]) -> list[Numbers]:
    """GridSample to the nearest element."""
    grid: Any = graph.constant(node.input[1])
    return [nearest.nearest(node, grid, data[0])]


def single_window(graph: MutableGraph, node: Any, data: list[Numbers]) -> list[Numbers]:
    """A pool of one element takes every so many."""
    steps = integers(node, "strides") or (1,) * (data[0].ndim - 2)
    moved = data[0][(slice(None), slice(None), *(slice(None, None, step) for step in steps))]
    return [moved.reshape(graph.dims(node.output[0]))]


def einsum(graph: MutableGraph, node: Any, data: list[Numbers]) -> list[Numbers]:
    """An Einsum that is a transpose."""
    return [data[0].transpose(einsum_order(node))]
