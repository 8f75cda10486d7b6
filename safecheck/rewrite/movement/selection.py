"""Products with a constant of zeros and ones that pick elements: MatMul, Einsum, Conv, Col2Im without overlap, masks.

They move data as long as every result takes at most one element. On infinities and NaN they do not: zero times infinity
is NaN, and the sign of a zero is lost in the sum. A rewrite that replaces one has to say so.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from safecheck.rewrite.attributes import axes_of, integer, integers, operand, text
from safecheck.rewrite.graph import MutableGraph

_MAX_WEIGHTS = 1 << 22
_MAX_ELEMENTS = 1 << 24
"""Larger tensors are not numbered: each of the few copies that a product needs would take more than 128 MiB."""


def is_selection(graph: MutableGraph, node: Any) -> tuple[int, ...] | None:
    """Position of the operand that is moved; None if the product is more than a choice of elements."""
    import numpy

    kind = node.op_type
    if kind == "ReduceSum":
        return _sums_masked(graph, node)
    if kind == "Col2Im":
        slot = 0
    else:
        constants = [position for position, name in enumerate(node.input) if graph.constant(name) is not None]
        if len(node.input) != 2 or len(constants) != 1:
            return None
        slot = 1 - constants[0]
        if kind in ("Conv", "ConvTranspose") and slot != 0:
            return None
        weights = graph.constant(node.input[constants[0]])
        if weights is None or weights.dtype.kind != "f" or weights.size > _MAX_WEIGHTS:
            return None
        if not bool(numpy.isin(weights, (0, 1)).all()) or bool((numpy.signbit(weights)).any()):
            return None
        if kind == "Mul":
            return (slot,)
        if kind == "Add":
            return (slot,) if not bool(weights.any()) else None
    dims, out = graph.dims(node.input[slot]), graph.dims(node.output[0])
    if dims is None or out is None or max(math.prod(dims), math.prod(out)) > _MAX_ELEMENTS:
        return None
    try:
        taken = SELECTIONS[kind](graph, node, numpy.zeros(dims, numpy.int64), counting=True)
    except (ValueError, IndexError, KeyError):
        return None
    return (slot,) if bool((taken <= 1).all()) else None


def einsum_order(node: Any) -> tuple[int, ...] | None:
    """The permutation of an Einsum with one operand that is nothing but a transpose."""
    before, arrow, after = text(node, "equation", "").replace(" ", "").partition("->")
    if not arrow:
        after = "".join(sorted(before))
    if not before.isalpha() or sorted(before) != sorted(after) or len(set(before)) != len(before):
        return None
    return tuple(before.index(letter) for letter in after)


def _sums_masked(graph: MutableGraph, node: Any) -> tuple[int, ...] | None:
    """A sum right after a mask may have one element left in every place; whether it does, its numbers say."""
    maker = graph.producer(node.input[0])
    dims = graph.dims(node.input[0])
    if maker is None or maker.op_type != "Mul" or is_selection(graph, maker) is None or dims is None:
        return None
    return (0,) if axes_of(graph, node, len(dims)) is not None else None


def _product(combine: Callable[[Any], Any], numbers: Any, counting: bool) -> Any:
    """Numbers plus one, so that places which nothing is taken from stay at zero and become `ZERO`."""
    import numpy

    if counting:
        return combine(numpy.ones(numbers.shape, numpy.float64))
    return numpy.rint(combine((numbers + 1).astype(numpy.float64))).astype(numpy.int64) - 1


def _matmul(graph: MutableGraph, node: Any, numbers: Any, counting: bool = False) -> Any:
    import numpy

    left, right = (graph.constant(name) for name in node.input)
    if right is not None:
        return _product(lambda data: numpy.matmul(data, right.astype(numpy.float64)), numbers, counting)
    assert left is not None
    return _product(lambda data: numpy.matmul(left.astype(numpy.float64), data), numbers, counting)


def _einsum(graph: MutableGraph, node: Any, numbers: Any, counting: bool = False) -> Any:
    import numpy

    equation = text(node, "equation", "")
    left, right = (graph.constant(name) for name in node.input)
    if right is not None:
        return _product(lambda data: numpy.einsum(equation, data, right.astype(numpy.float64)), numbers, counting)
    assert left is not None
    return _product(lambda data: numpy.einsum(equation, left.astype(numpy.float64), data), numbers, counting)


def _conv(graph: MutableGraph, node: Any, numbers: Any, counting: bool = False) -> Any:
    """Sum over the offsets of the kernel, as Conv is defined."""
    import numpy

    weights = graph.constant(node.input[1])
    out = graph.dims(node.output[0])
    if weights is None or out is None or text(node, "auto_pad", "NOTSET") not in ("NOTSET", "VALID"):
        raise ValueError("padding by name")
    group, kernel = integer(node, "group", 1), weights.shape[2:]
    steps, dilations, pads = _window(node, len(kernel))

    def combine(data: Any) -> Any:
        spread = [(0, 0), (0, 0), *zip(pads[: len(kernel)], pads[len(kernel) :], strict=True)]
        padded = numpy.pad(data, spread).reshape(
            out[0], group, -1, *(sum(pair) + size for pair, size in zip(spread[2:], data.shape[2:], strict=True))
        )
        taps = weights.reshape(group, -1, *weights.shape[1:]).astype(numpy.float64)
        total = numpy.zeros((out[0], group, taps.shape[1], *out[2:]))
        for offset in numpy.ndindex(*kernel):
            spots = tuple(
                slice(at * dilation, at * dilation + step * (size - 1) + 1, step)
                for at, dilation, step, size in zip(offset, dilations, steps, out[2:], strict=True)
            )
            seen = padded[(slice(None), slice(None), slice(None), *spots)]
            total += numpy.einsum("goc,ngc...->ngo...", taps[(..., *offset)], seen)
        return total.reshape(out)

    return _product(combine, numbers, counting)


def _conv_transpose(graph: MutableGraph, node: Any, numbers: Any, counting: bool = False) -> Any:
    """Every input element is spread over the offsets of the kernel, as ConvTranspose is defined."""
    import numpy

    weights = graph.constant(node.input[1])
    out = graph.dims(node.output[0])
    if weights is None or out is None or text(node, "auto_pad", "NOTSET") != "NOTSET" or integers(node, "output_shape"):
        raise ValueError("padding by name")
    group, kernel = integer(node, "group", 1), weights.shape[2:]
    steps, dilations, pads = _window(node, len(kernel))

    def combine(data: Any) -> Any:
        grouped = data.reshape(data.shape[0], group, -1, *data.shape[2:])
        taps = weights.reshape(group, -1, *weights.shape[1:]).astype(numpy.float64)
        whole = [pads[at] + out[2 + at] + pads[at + len(kernel)] for at in range(len(kernel))]
        total = numpy.zeros((out[0], group, taps.shape[2], *whole))
        for offset in numpy.ndindex(*kernel):
            spots = tuple(
                slice(at * dilation, at * dilation + step * (size - 1) + 1, step)
                for at, dilation, step, size in zip(offset, dilations, steps, data.shape[2:], strict=True)
            )
            total[(slice(None), slice(None), slice(None), *spots)] += numpy.einsum(
                "gco,ngc...->ngo...", taps[(..., *offset)], grouped
            )
        inner = tuple(slice(pads[at], pads[at] + out[2 + at]) for at in range(len(kernel)))
        return total[(slice(None), slice(None), slice(None), *inner)].reshape(out)

    return _product(combine, numbers, counting)


def _window(node: Any, rank: int) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
    """Strides, dilations and pads."""
    ones = (1,) * rank
    return (
        integers(node, "strides") or ones,
        integers(node, "dilations") or ones,
        integers(node, "pads") or (0,) * (2 * rank),
    )


def _col2im(graph: MutableGraph, node: Any, numbers: Any, counting: bool = False) -> Any:
    import numpy

    image, block = operand(graph, node, 1) or (), operand(graph, node, 2) or ()
    rank = len(image)
    steps, dilations, pads = _window(node, rank)
    padded = [size + pads[at] + pads[at + rank] for at, size in enumerate(image)]
    counts = [(padded[at] - dilations[at] * (block[at] - 1) - 1) // steps[at] + 1 for at in range(rank)]

    def combine(data: Any) -> Any:
        n = data.shape[0]
        columns = data.reshape(n, -1, *block, *counts)
        result = numpy.zeros((n, columns.shape[1], *padded))
        for offset in numpy.ndindex(*block):
            spots = tuple(
                slice(
                    offset[at] * dilations[at], offset[at] * dilations[at] + steps[at] * (counts[at] - 1) + 1, steps[at]
                )
                for at in range(rank)
            )
            result[(slice(None), slice(None), *spots)] += columns[(slice(None), slice(None), *offset)]
        return result[(slice(None), slice(None), *(slice(pads[at], pads[at] + image[at]) for at in range(rank)))]

    return _product(combine, numbers, counting)


def _mask(graph: MutableGraph, node: Any, numbers: Any) -> Any:
    import numpy

    constants = [graph.constant(name) for name in node.input]
    mask = constants[0] if constants[0] is not None else constants[1]
    assert mask is not None
    return numpy.where(mask != 0, numbers, -1)


def _plus_zero(graph: MutableGraph, node: Any, numbers: Any) -> Any:
    import numpy

    return numpy.broadcast_to(numbers, graph.dims(node.output[0]) or ())


def _sum(graph: MutableGraph, node: Any, numbers: Any) -> Any:
    """`OTHER` where more than one element is added."""
    import numpy

    axes = axes_of(graph, node, numbers.ndim) or ()
    dims = graph.dims(node.output[0]) or ()
    taken = (numbers != -1).sum(axis=axes)
    return numpy.where(taken > 1, -2, (numbers + 1).sum(axis=axes) - 1).reshape(dims)


SELECTIONS: dict[str, Any] = {
    "Add": _plus_zero,
    "Col2Im": _col2im,
    "Conv": _conv,
    "ConvTranspose": _conv_transpose,
    "Einsum": _einsum,
    "MatMul": _matmul,
    "Mul": _mask,
    "ReduceSum": _sum,
}
