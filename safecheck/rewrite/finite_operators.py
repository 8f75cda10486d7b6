"""How ranges, infinities and NaN go through operators; `finite.py` says what for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import exp, inf, log
from typing import Any, NamedTuple

from safecheck.rewrite.attributes import attribute, axes_of, integer
from safecheck.rewrite.graph import MutableGraph
from safecheck.rewrite.masks import leaves_entries, normalised_axes


class Extent(NamedTuple):
    """What is known of the elements of a value."""

    low: float = -inf
    """No finite element is below."""
    high: float = inf
    """No finite element is above."""
    down: bool = False
    """Whether an element can be minus infinity."""
    up: bool = False
    """Whether an element can be plus infinity."""
    nan: bool = False
    """Whether an element can be NaN."""

    @property
    def inf(self) -> bool:
        """Whether an element can be infinite."""
        return self.down or self.up

    @property
    def odd(self) -> bool:
        """Whether anything but finite numbers is possible."""
        return self.inf or self.nan

    def within(self, low: float, high: float) -> Extent:
        """The same where finite elements are known to lie between these numbers as well."""
        return self._replace(low=max(self.low, low), high=min(self.high, high))

    def holds(self, number: float) -> bool:
        """Whether a finite element can be this number."""
        return self.low <= number <= self.high


ANY = Extent()
ANYTHING = Extent(down=True, up=True, nan=True)
_Given = Sequence[Extent | None]


def extent(graph: MutableGraph, node: Any, given: _Given, largest: float) -> Extent:
    """Of what a standard operator computes; `largest` is the largest finite number of its type."""
    kind = node.op_type
    there = [one for one in given if one is not None]
    nan = any(one.nan for one in there)
    if kind in _SPECIAL:
        return _SPECIAL[kind](graph, node, given, largest)
    if kind in _BOUNDED:  # a number between two others, also of an infinity
        return Extent(*_BOUNDED[kind], nan=nan)
    if kind in _MOVES:
        return _hull(there[: _MOVES[kind]] if _MOVES[kind] else there)
    if kind in _MEANS:  # padding may count as zeros
        one = given[0] or ANY
        return Extent(min(one.low, 0.0), max(one.high, 0.0), one.down, one.up, nan or (one.down and one.up))
    if kind in _ONE_SIDED:
        return Extent(0.0, inf, up=any(one.inf for one in there), nan=nan)
    if kind in _DOUBTFUL:
        return ANYTHING
    infinite = any(one.inf for one in there)  # times zero, or less another one, it is NaN
    low = 0.0 if kind in _SUMS_OF_PRODUCTS and all(one.low >= 0 for one in there) else -inf
    return Extent(low, down=infinite, up=infinite, nan=nan or infinite)


def _hull(parts: Sequence[Extent]) -> Extent:
    if not parts:
        return ANY
    low, high = min(part.low for part in parts), max(part.high for part in parts)
    return Extent(low, high, *(any(flags) for flags in zip(*(part[2:] for part in parts), strict=True)))


def _negative(one: Extent) -> Extent:
    return Extent(-one.high, -one.low, one.up, one.down, one.nan)


def _add(graph: MutableGraph, node: Any, given: _Given, largest: float) -> Extent:
    one, other = (part or ANY for part in given[:2])
    if node.op_type == "Sub":
        if _is_maximum(graph, node.input[1], node.input[0]):
            return Extent(-inf, 0.0, one.inf, False, one.odd)
        other = _negative(other)
    nan = one.nan or other.nan or (one.up and other.down) or (one.down and other.up)
    return Extent(one.low + other.low, one.high + other.high, one.down or other.down, one.up or other.up, nan)


def _is_maximum(graph: MutableGraph, name: str, of: str) -> bool:
    """Whether a value is the largest one of another value along some axes."""
    maker = graph.producer(name)
    if maker is None or maker.op_type != "ReduceMax" or maker.input[0] != of:
        return False
    return bool(integer(maker, "keepdims", 1))


def _mul(graph: MutableGraph, node: Any, given: _Given, largest: float) -> Extent:
    one, other = (part or ANY for part in given[:2])
    if node.input[0] == node.input[1]:
        return Extent(0.0, inf, False, one.inf, one.nan)
    ends = [_product(a, b) for a in (one.low, one.high) for b in (other.low, other.high)]
    nan = one.nan or other.nan or (one.inf and other.holds(0)) or (other.inf and one.holds(0))
    infinite = one.inf or other.inf
    return Extent(min(ends), max(ends), infinite, infinite, nan)


def _product(one: float, other: float) -> float:
    return 0.0 if one == 0 or other == 0 else one * other


def _div(graph: MutableGraph, node: Any, given: _Given, largest: float) -> Extent:
    parts = [part or ANY for part in given[:2]]
    above, below = parts if len(parts) > 1 else (Extent(1.0, 1.0), parts[0])
    by_zero = below.holds(0)
    nan = above.nan or below.nan or (by_zero and above.holds(0)) or (above.inf and below.inf)
    infinite = above.inf or by_zero
    positive = below.low > 0 and above.low >= 0
    return Extent(0.0 if positive else -inf, inf, infinite, infinite, nan)


def _exp(graph: MutableGraph, node: Any, given: _Given, largest: float) -> Extent:
    one = given[0] or ANY
    fits = one.high < log(largest)
    return Extent(0.0, exp(one.high) if fits else inf, False, one.up or not fits, one.nan)


def _log(graph: MutableGraph, node: Any, given: _Given, largest: float) -> Extent:
    one = given[0] or ANY
    return Extent(-inf, inf, one.low <= 0, one.up, one.nan or one.low < 0 or one.down)


def _sqrt(graph: MutableGraph, node: Any, given: _Given, largest: float) -> Extent:
    one = given[0] or ANY
    return Extent(max(one.low, 0.0) ** 0.5, inf, False, one.up, one.nan or one.low < 0 or one.down)


def _pow(graph: MutableGraph, node: Any, given: _Given, largest: float) -> Extent:
    base, power = (part or ANY for part in given[:2])
    if power.low != power.high or power.odd:
        return ANYTHING
    whole = power.low == int(power.low)
    infinite = base.inf or (power.low < 0 and base.holds(0))
    even = whole and int(power.low) % 2 == 0
    low = 0.0 if even or base.low >= 0 else -inf
    return Extent(low, inf, infinite, infinite, base.nan or (not whole and (base.low < 0 or base.down)))


def _sum(graph: MutableGraph, node: Any, given: _Given, largest: float) -> Extent:
    one = given[0] or ANY
    low = 0.0 if one.low >= 0 else -inf
    if _sums_exponentials(graph, node):  # one of them is that of the maximum less itself, which is 1
        low = 1.0
    return Extent(low, 0.0 if one.high <= 0 else inf, one.down, one.up, one.nan or (one.down and one.up))


def _sums_exponentials(graph: MutableGraph, node: Any) -> bool:
    exponential = graph.producer(node.input[0])
    rest = None if exponential is None or exponential.op_type != "Exp" else graph.producer(exponential.input[0])
    if rest is None or rest.op_type != "Sub" or not _is_maximum(graph, rest.input[1], rest.input[0]):
        return False
    rank = len(graph.tensor(rest.input[0]).shape or ())
    return axes_of(graph, node, rank) == axes_of(graph, graph.producer(rest.input[1]), rank)


def _where(graph: MutableGraph, node: Any, given: _Given, largest: float) -> Extent:
    found = _hull([part or ANY for part in given[1:3]])
    test = graph.producer(node.input[0])
    if test is not None and test.op_type == "IsNaN" and test.input[0] == node.input[2]:
        return found._replace(nan=(given[1] or ANY).nan)
    return found


def _clip(graph: MutableGraph, node: Any, given: _Given, largest: float) -> Extent:
    one = given[0] or ANY
    ends = [None if end is None or end.odd else end for end in [*given[1:3], None, None][:2]]
    low, high = (None if end is None else end.low for end in ends)
    for part in node.attribute:
        low, high = (part.f, high) if part.name == "min" else (low, part.f)
    down, up = one.down and low is None, one.up and high is None
    return Extent(
        max(one.low, -inf if low is None else low), min(one.high, inf if high is None else high), down, up, one.nan
    )


def _relu(graph: MutableGraph, node: Any, given: _Given, largest: float) -> Extent:
    one = given[0] or ANY
    return Extent(max(0.0, one.low), max(0.0, one.high), False, one.up, one.nan)


def _neg(graph: MutableGraph, node: Any, given: _Given, largest: float) -> Extent:
    return _negative(given[0] or ANY)


def _softmax(graph: MutableGraph, node: Any, given: _Given, largest: float) -> Extent:
    one = given[0] or ANY  # nothing but minus infinity along the axis, or a plus among them, gives NaN
    rank = len(graph.tensor(node.input[0]).shape or ())
    if node.op_type == "Softmax" and one.down and not one.up and not one.nan and rank:
        return Extent(0.0, 1.0, nan=not leaves_entries(graph, node.input[0], normalised_axes(graph, node, rank)))
    return Extent(0.0, 1.0, nan=one.odd) if node.op_type == "Softmax" else Extent(-inf, 0.0, one.down, False, one.odd)


def _outer(graph: MutableGraph, node: Any, given: _Given, largest: float) -> Extent:
    parts = [part or ANY for part in given]
    choose = max if node.op_type == "Max" else min
    down, up = [part.down for part in parts], [part.up for part in parts]
    down_too, up_too = (all(down), any(up)) if node.op_type == "Max" else (any(down), all(up))
    low, high = choose(part.low for part in parts), choose(part.high for part in parts)
    return Extent(low, high, down_too, up_too, any(part.nan for part in parts))


def _pad(graph: MutableGraph, node: Any, given: _Given, largest: float) -> Extent:
    value = attribute(node, "value")
    number = 0.0 if value is None else float(value.f)
    filled = (
        given[2] if len(given) > 2 and given[2] is not None else Extent(number, number, number == -inf, number == inf)
    )
    return _hull([given[0] or ANY, filled])


def _batch_norm(graph: MutableGraph, node: Any, given: _Given, largest: float) -> Extent:
    epsilon = attribute(node, "epsilon")
    variance = given[4] if len(given) > 4 and given[4] is not None else ANY
    positive = variance.low + (1e-5 if epsilon is None else epsilon.f) > 0
    odd = any(one is not None and one.odd for one in given) or not positive
    return ANYTHING if odd else ANY


_SPECIAL: dict[str, Callable[[MutableGraph, Any, _Given, float], Extent]] = {
    "Add": _add, "BatchNormalization": _batch_norm, "Clip": _clip, "Div": _div, "Exp": _exp, "Log": _log,
    "LogSoftmax": _softmax, "Max": _outer, "Min": _outer, "Mul": _mul, "Neg": _neg, "Pad": _pad, "Pow": _pow,
    "Reciprocal": _div, "ReduceSum": _sum, "Relu": _relu, "Softmax": _softmax, "Sqrt": _sqrt, "Sub": _add,
    "Where": _where,
}  # fmt: skip
_BOUNDED = {
    "Atan": (-2.0, 2.0), "Erf": (-1.0, 1.0), "HardSigmoid": (0.0, 1.0), "Hardmax": (0.0, 1.0), "Sigmoid": (0.0, 1.0),
    "Sign": (-1.0, 1.0), "Softsign": (-1.0, 1.0), "Tanh": (-1.0, 1.0),
}  # fmt: skip
_MOVES = {
    "Cast": 1, "CastLike": 1, "Ceil": 1, "Compress": 1, "Concat": 0, "DepthToSpace": 1, "Dropout": 1, "Expand": 1,
    "Flatten": 1, "Floor": 1, "Gather": 1, "GatherElements": 1, "GatherND": 1, "GlobalMaxPool": 1, "Identity": 1,
    "MaxPool": 1, "ReduceMax": 1, "ReduceMin": 1, "Reshape": 1, "ReverseSequence": 1, "Round": 1, "Slice": 1,
    "SpaceToDepth": 1, "Split": 1, "Squeeze": 1, "Tile": 1, "TopK": 1, "Transpose": 1, "Unsqueeze": 1, "Upsample": 1,
}  # fmt: skip
"""Operators whose results lie between their operands, and how many of these count; 0 for all."""
_SUMS_OF_PRODUCTS = frozenset({"Conv", "Einsum", "MatMul"})
_MEANS = frozenset({"AveragePool", "GlobalAveragePool", "ReduceMean"})
_ONE_SIDED = frozenset({"Abs", "ReduceL1", "ReduceL2", "ReduceSumSquare", "Softplus", "ThresholdedRelu"})
_DOUBTFUL = frozenset(
    {
        "Acos", "Acosh", "Asin", "Atanh", "Cosh", "LpNormalization", "Mod", "ReduceLogSum", "ReduceProd", "Sinh", "Tan",
    }
)  # fmt: skip
"""Operators with poles, or with ends of their domain, among finite numbers."""
