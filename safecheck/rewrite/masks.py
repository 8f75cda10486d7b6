"""Masks before a softmax: constants so low that their entries get no share, however low they are.

Exporters write minus infinity, the lowest number of a type or -1e9. Sums with such numbers lose the others, so a
constant mask is made only as low as needed. An entry of -32768 beside one of at least -1 has the share 0 as long as the
scores themselves stay within 16367 of zero. Where such a number is mixed in some other way, the sum is clamped.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, isinf
from typing import Any

from safecheck.ir.walk import is_standard
from safecheck.rewrite.attributes import integer
from safecheck.rewrite.graph import MutableGraph

LOWEST = -32768.0
"""What is below counts as this."""
_REACH = (-LOWEST - 33) / 2
_LOWERED = f"entries of the mask below {LOWEST:g} become {LOWEST:g}: their share is 0 either way"
HUGE = -1e11
"""x + relu(low - x) is `low` to within the rounding of x: below this nothing would be left of it."""
_STEPS = 48
_STOPS = ("Gemm", "LayerNormalization", "MatMul", "Relu", "Sigmoid", "Softmax")
"""What these make is no mask."""
_EMPTY = "a row of the mask leaves no entry, so that the original gives NaN or shares that follow rounding"


@dataclass(frozen=True)
class Scores:
    """What a softmax is taken of: a value, and a constant mask that is added to it."""

    name: str
    nodes: tuple[Any, ...] = ()
    """The node that adds the mask."""
    mask: Any | None = None
    """float64, broadcasting to the value; None where nothing has to be lowered."""
    reach: float = inf
    """Magnitudes of the value up to which masked entries have the share 0."""
    clamped: bool = False
    """Whether the value has to be clamped to `LOWEST`, because numbers far below it may be among the entries."""
    caveats: tuple[str, ...] = ()


def normalised_axes(graph: MutableGraph, node: Any, rank: int) -> tuple[int, ...]:
    """The axes that a Softmax or LogSoftmax takes together: before operator set 13 all from the given one on."""
    old = graph.opset < 13
    axis = integer(node, "axis", 1 if old else -1) % rank
    return tuple(range(axis, rank)) if old else (axis,)


def masked_scores(graph: MutableGraph, name: str, axes: tuple[int, ...]) -> Scores | str:
    """What stands before a softmax over some axes, its mask lowered; or why that cannot be done."""
    import numpy

    node = graph.producer(name)
    below = _lowest(graph, name)
    plain = Scores(name, clamped=below < LOWEST)
    if below >= LOWEST:
        return plain
    mixed: Scores | str = plain if below >= HUGE else f"a number of {below:.1e} is mixed into the scores; -1e9 would do"
    if node is None or not is_standard(node) or len(graph.consumers(name)) != 1 or graph.is_output(name):
        return mixed
    dims = graph.dims(name) or ()
    found = _read(graph, node)
    if found is None or graph.dims(found[0]) != dims or found[1].ndim > len(dims):
        return mixed
    value, mask = found
    full = numpy.broadcast_to(mask, dims)
    if not bool((full < LOWEST).any()) or bool(numpy.isnan(full).any() or (full == inf).any()):
        return mixed
    if _lowest(graph, found[0]) < LOWEST:
        return mixed
    if bool((full.max(axis=axes) < -1).any()):
        return _EMPTY
    lowered = numpy.maximum(mask, LOWEST)
    return Scores(value, (node,), lowered, _REACH, caveats=(_LOWERED,))


def leaves_entries(graph: MutableGraph, name: str, axes: tuple[int, ...]) -> bool:
    """Whether minus infinity comes from a constant mask right before a softmax, and from no row of it throughout."""
    import numpy

    node, dims = graph.producer(name), graph.dims(name)
    found = None if node is None or dims is None or not is_standard(node) else _read(graph, node)
    if found is None or dims is None or graph.dims(found[0]) != dims or found[1].ndim > len(dims):
        return False
    full = numpy.broadcast_to(found[1], dims)
    return bool(numpy.isfinite(full.max(axis=axes)).all()) and _lowest(graph, found[0]) > -inf


def _read(graph: MutableGraph, node: Any) -> tuple[str, Any] | None:
    """The computed operand and the constant that is added, or that replaces it where a constant condition says so."""
    import numpy

    if node.op_type == "Add":
        for name, other in (tuple(node.input), tuple(reversed(node.input))):
            constant = graph.constant(other)
            if constant is not None:
                return name, constant.astype(numpy.float64)
    if node.op_type == "Where" and (condition := graph.constant(node.input[0])) is not None:
        for name, other, chosen in ((node.input[1], node.input[2], ~condition), (*node.input[:0:-1], condition)):
            constant = graph.constant(other)
            if constant is not None and bool((numpy.broadcast_arrays(constant, chosen)[0] < LOWEST).all()):
                return name, numpy.where(chosen, constant.astype(numpy.float64), 0.0)
    return None


def _lowest(graph: MutableGraph, name: str) -> float:
    """The lowest constant that is mixed into a value on its way from the last product or activation; at most 0."""
    low, pending, seen = 0.0, [name], {name}
    while pending and len(seen) < _STEPS:
        current = pending.pop()
        constant = graph.constant(current)
        if constant is not None:
            if constant.dtype.kind == "f" and constant.size:
                low = min(low, float(constant.min()))
            continue
        node = graph.producer(current)
        if node is None or node.op_type in _STOPS:
            continue
        new = [operand for operand in node.input if operand and operand not in seen]
        seen.update(new)
        pending += new
    return -inf if isinf(low) else low
