"""Products of one computed and one constant operand, whichever operator spells them, as one kind of thing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from typing import Any

from safecheck.ir.walk import is_standard
from safecheck.rewrite.attributes import attribute, integer, text
from safecheck.rewrite.graph import MutableGraph


@dataclass(frozen=True)
class Contraction:
    """result[free..., new...] = sum over `summed` of data[free..., summed...] * weights[summed, new] + bias."""

    data: str
    summed: tuple[int, ...]
    """Axes of the data that are summed over."""
    weights: Any
    """float64, (summed, new)."""
    new: tuple[int, ...]
    """Sizes of the new axes."""
    order: tuple[int, ...]
    """The result's axes in terms of (free axes of the data in their order, then the new axes)."""
    bias: Any | None = None
    """float64, broadcasting to the result; None if there is none."""


class NoContractionError(Exception):
    """The product is not of this kind; the text says why."""


def contraction(graph: MutableGraph, node: Any) -> Contraction | None:
    """The product that a node is; None for other operators and for products without data or without constant.

    Raises:
        NoContractionError: it is a product that cannot be seen this way.
    """
    reader = _READERS.get(node.op_type) if is_standard(node) else None
    if reader is None or len(node.input) < 2:
        return None
    constants = [graph.constant(name) is not None for name in node.input[:2]]
    if constants[0] == constants[1] or (node.op_type == "Einsum" and len(node.input) != 2):
        return None
    slot = constants.index(False)
    if graph.dims(node.input[slot]) is None or graph.dims(node.output[0]) is None:
        raise NoContractionError("the shape of the data is not fixed")
    found = reader(graph, node, slot)
    dims, result = graph.dims(found.data) or (), graph.dims(node.output[0]) or ()
    kept = prod(size for axis, size in enumerate(dims) if axis not in found.summed)
    if found.weights.shape[0] != prod(dims[axis] for axis in found.summed) or kept * prod(found.new) != prod(result):
        raise NoContractionError("one of the operands is broadcast")
    return found


def _float64(graph: MutableGraph, name: str) -> Any:
    import numpy

    return numpy.asarray(graph.constant(name), numpy.float64)


def _matmul(graph: MutableGraph, node: Any, slot: int) -> Contraction:
    data, weights = node.input[slot], _float64(graph, node.input[1 - slot])
    rank = len(graph.dims(data) or ())
    if weights.ndim > 2:
        first = weights.reshape(-1, *weights.shape[-2:])[0]
        if not bool((weights == first).all()):
            raise NoContractionError("the constant is another matrix for every batch")
        weights = first
    vector = weights.ndim == 1
    if slot == 0:
        matrix = weights.reshape(weights.shape[0], -1)
        new = () if vector else weights.shape[1:]
        return Contraction(data, (rank - 1,), matrix, new, tuple(range(rank - 1 + len(new))))
    summed = max(0, rank - 2)
    matrix = weights.reshape(-1, weights.shape[-1]).T
    new = () if vector else weights.shape[:1]
    free = rank - 1
    # the new axis stands where the summed one stood
    order = (*range(summed), *((free,) if new else ()), *range(summed, free))
    return Contraction(data, (summed,), matrix, new, order)


def _gemm(graph: MutableGraph, node: Any, slot: int) -> Contraction:
    import numpy

    turned = (bool(integer(node, "transA", 0)), bool(integer(node, "transB", 0)))
    alpha, beta = (attribute(node, name) for name in ("alpha", "beta"))
    weights = _float64(graph, node.input[1 - slot])
    if turned[1 - slot]:
        weights = weights.T
    if slot == 1:
        weights = weights.T
    weights = weights * (1.0 if alpha is None else alpha.f)
    summed = 1 - slot if not turned[slot] else slot
    bias = None
    if len(node.input) > 2 and node.input[2]:
        if graph.constant(node.input[2]) is None:
            raise NoContractionError("the addend is computed")
        bias = _float64(graph, node.input[2]) * numpy.float64(1.0 if beta is None else beta.f)
    order = (0, 1) if slot == 0 else (1, 0)
    return Contraction(node.input[slot], (summed,), weights, weights.shape[1:], order, bias)


def _einsum(graph: MutableGraph, node: Any, slot: int) -> Contraction:
    left, arrow, result = text(node, "equation", "").replace(" ", "").partition("->")
    terms = left.split(",")
    if not arrow:
        result = "".join(sorted(letter for letter in set(left) - {","} if left.count(letter) == 1))
    letters = "".join(terms) + result
    if not letters.isalpha() or any(len(set(term)) != len(term) for term in (*terms, result)):
        raise NoContractionError("the equation repeats a letter within a term or leaves axes unnamed")
    data, other = terms[slot], terms[1 - slot]
    summed = [letter for letter in other if letter in data and letter not in result]
    new = [letter for letter in other if letter in result and letter not in data]
    if len(summed) + len(new) != len(other):
        raise NoContractionError("the constant varies along an axis that the result keeps, or is summed on its own")
    free = [letter for letter in data if letter not in summed]
    if any(letter not in result for letter in free):
        raise NoContractionError("the data is summed along an axis that the constant does not have")
    weights = _float64(graph, node.input[1 - slot])
    sizes = dict(zip(other, weights.shape, strict=True))
    turned = weights.transpose([other.index(letter) for letter in (*summed, *new)])
    extent = [sizes[letter] for letter in new]
    matrix = turned.reshape(-1, prod(extent))
    axes = [*free, *new]
    return Contraction(
        node.input[slot],
        tuple(data.index(letter) for letter in summed),
        matrix,
        tuple(extent),
        tuple(axes.index(letter) for letter in result),
    )


_READERS: dict[str, Callable[[MutableGraph, Any, int], Contraction]] = {
    "Einsum": _einsum,
    "Gemm": _gemm,
    "MatMul": _matmul,
}
