"""Elementwise operators, normalisations and quantisation: what is stretched over what."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

from safecheck.ir.validity.view import Check, Operands, fixed, known_int, length, stretches, together, words


def elementwise(view: Operands) -> Iterator[str]:
    """Operands stretch to a common shape; before opset 7 the second could stand at an axis of the first instead."""
    shapes = [shape for shape in map(view.shape, range(len(view.node.inputs))) if shape is not None]
    if view.node.opset < 7 and len(shapes) == 2 and isinstance(axis := view.attribute("axis"), int):
        shapes[1] += (1,) * (len(shapes[0]) - axis % max(len(shapes[0]), 1) - len(shapes[1]))
    yield from together(shapes)


def slope(view: Operands) -> Iterator[str]:
    """The slope of PRelu stretches to the data; runtimes take a single one of any rank.

    Before opset 7 it may also be a vector with an element for each channel.
    """
    own, channels = view.shape(1), known_int(view.shape(0), 1)
    if view.node.opset < 7 and own is not None and len(own) == 1 and channels in (None, own[0]):
        return
    if any(dim != 1 for dim in own or ()):
        yield from stretches(own, view.shape(0), "slope", "X")


def bounds(view: Operands) -> Iterator[str]:
    """The bounds of Clip are scalars; runtimes take a single element, too."""
    for position, name in ((1, "min"), (2, "max")):
        shape = view.shape(position)
        if shape is not None and (len(shape) > 1 or any(dim != 1 for dim in shape if type(dim) is int)):
            yield f"{name} is {words(shape)}, but it must be a scalar"


def channel_vectors(*positions: int) -> Check:
    """Operands at these positions are vectors with an element for each channel."""

    def check(view: Operands) -> Iterator[str]:
        channels = known_int(view.shape(0), 1)
        for position in positions:
            yield from length(view, position, f"input {position}", channels, "X has channels, namely")

    return check


def groups(view: Operands) -> Iterator[str]:
    """GroupNormalization: groups divide the channels; scale and bias are per group, from opset 21 on per channel."""
    channels, groups = known_int(view.shape(0), 1), view.number("num_groups")
    if groups is not None and groups < 1:
        yield f"num_groups is {groups}, but it must be at least 1"
    elif channels is not None and groups is not None and channels % groups:
        yield f"X has {channels} channels, which {groups} groups do not divide"
    wanted, why = (groups, "there are groups, namely") if view.node.opset < 21 else (channels, "X has channels, namely")
    for position, name in ((1, "scale"), (2, "bias")):
        yield from length(view, position, name, wanted, why)


def layer_norm(view: Operands) -> Iterator[str]:
    """Scale and bias, where the operator has one, stretch to the data (LayerNormalization-17: unidirectional)."""
    data, axis = view.shape(0), view.number("axis")
    if data is None or axis is None or not -len(data) <= axis < len(data):
        return
    for position, name in ((1, "Scale"), (2, "B")):
        yield from stretches(view.shape(position), data, name, "X")


def quantised(view: Operands) -> Iterator[str]:
    """The scale is a scalar, a vector along the axis, or has the rank of the data; the zero point looks like it."""
    data, scale, zero, axis = view.shape(0), view.shape(1), view.shape(2), view.number("axis")
    if data is None or scale is None:
        return
    steps, offsets = fixed(scale), fixed(zero)
    if steps is not None and offsets is not None and steps != offsets and (prod(steps), prod(offsets)) != (1, 1):
        yield f"the zero point is {words(offsets) or 'a scalar'}, but the scale is {words(steps) or 'a scalar'}"
    block = view.number("block_size") or 0
    if len(scale) == 1 and scale != (1,) and not block and axis is not None:
        if not -len(data) <= axis < len(data):
            yield f"axis is {axis}, but the data has rank {len(data)}"
        elif None not in (length := (known_int(scale, 0), known_int(data, axis))) and length[0] != length[1]:
            yield f"the scale has {length[0]} elements, but dimension {axis} of the data has {length[1]}"
    if len(scale) > 1 and len(scale) != len(data):
        yield f"the scale has rank {len(scale)}, but the data has rank {len(data)}"
