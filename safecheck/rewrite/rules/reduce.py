"""Reductions become pools and 1x1 convolutions: means both, sums convolutions, maxima pools."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import Any

from safecheck.intake.dtypes import IEEE_FLOATS
from safecheck.ir.protos import numpy_type
from safecheck.rewrite.algebra.collapse import WINDOW, Collapse
from safecheck.rewrite.attributes import axes_of
from safecheck.rewrite.builder import Builder
from safecheck.rewrite.graph import MutableGraph
from safecheck.rewrite.rule import Candidate, Claim, Match

_BEHIND = {"ReduceL2": "Sqrt", "ReduceLogSum": "Log"}
"""What is left to do with the sum."""

Way = Callable[[Collapse, tuple[int, ...], Any], None]
"""Reduces axes of a value whose elements have a numpy type."""


class _Reduction:
    """What the rewrites of reductions have in common."""

    operators: tuple[str, ...]

    def match(self, graph: MutableGraph, node: Any) -> Match | None:
        """Every way that the value can be reduced, or why there is none."""
        if node.op_type not in self.operators:
            return None
        source, result = node.input[0], node.output[0]
        dims, wanted = graph.dims(source), graph.dims(result)
        if dims is None or wanted is None or 0 in dims:
            return Match((node,), reason="the shape of the input is not fixed, or empty")
        if graph.tensor(source).dtype not in IEEE_FLOATS:
            return Match((node,), reason="pools and convolutions are for floating-point elements only")
        whole = node.op_type.startswith("Global")
        axes = tuple(range(2, len(dims))) if whole else axes_of(graph, node, len(dims))
        if axes is None:
            return Match((node,), reason="the axes are computed at run time")
        dtype = numpy_type(graph.tensor(source).dtype or "")
        candidates = []
        for way in self.ways(node, dims, axes):
            collapse = Collapse(Builder(graph, result), source, dims)
            way(collapse, axes, dtype)
            collapse.view(wanted)
            if node.op_type in _BEHIND:
                collapse.value = collapse.builder.add(_BEHIND[node.op_type], [collapse.value])
            replacement = collapse.builder.replacement([source], {result: collapse.value})
            candidates.append(Candidate(replacement, self.claim(node, dims, axes, collapse.roundings)))
        return Match((node,), tuple(candidates))

    def ways(self, node: Any, dims: tuple[int, ...], axes: tuple[int, ...]) -> list[Way]:
        """The ways, best first."""
        raise NotImplementedError

    def claim(self, node: Any, dims: tuple[int, ...], axes: tuple[int, ...], roundings: int) -> Claim:
        """What a way that rounds so often can promise."""
        raise NotImplementedError


class ReduceMeanToAveragePool(_Reduction):
    """ReduceMean over any axes and GlobalAveragePool become average pools, or a convolution with equal weights."""

    name = "reduce-mean-to-average-pool"
    remedies = ("reduce-mean-to-average-pool",)
    operators = ("ReduceMean", "GlobalAveragePool")

    def ways(self, node: Any, dims: tuple[int, ...], axes: tuple[int, ...]) -> list[Way]:
        """Pools in place, with one window, with small windows, and convolutions."""
        convolved = [_channels(lambda n: 1 / n)] if _over_channels(dims, axes) else []
        return [*_pools("AveragePool", dims, axes), *convolved, _convolution(lambda n: 1 / n)]

    def claim(self, node: Any, dims: tuple[int, ...], axes: tuple[int, ...], roundings: int) -> Claim:
        """Bounded: two summations of the same elements in different order."""
        count = prod(dims[axis] for axis in axes)
        return Claim(
            "bounded",
            "both sides are sums of the same elements, in another order, divided by their number",
            limit=_sum_limit(node.input[0], axes, count + 1, roundings, 1 / count),
            bound=f"(gamma({count + 1}) + gamma({roundings})) x mean of |x|, whatever the order of the sums",
        )


class ReduceSumToConvolution(_Reduction):
    """Sums, also of magnitudes and squares, become a convolution with weights of 1."""

    name = "reduce-sum-to-convolution"
    remedies = ()
    operators = ("ReduceSum", "ReduceSumSquare", "ReduceL1", "ReduceL2", "ReduceLogSum")

    def ways(self, node: Any, dims: tuple[int, ...], axes: tuple[int, ...]) -> list[Way]:
        """Convolutions, after squares or magnitudes are taken."""
        reduce = [_channels(lambda n: 1.0)] if _over_channels(dims, axes) else []
        if node.op_type in ("ReduceSumSquare", "ReduceL2"):
            return [_squared(axes, dims)]
        if node.op_type == "ReduceL1":
            return [_after("Abs", way) for way in (*reduce, _convolution(lambda n: 1.0))]
        return [*reduce, _convolution(lambda n: 1.0)]

    def claim(self, node: Any, dims: tuple[int, ...], axes: tuple[int, ...], roundings: int) -> Claim:
        """Bounded: two summations of the same elements in different order; a logarithm of it can only be tested."""
        if node.op_type == "ReduceLogSum":
            return Claim("tested", "the logarithm of the same sum, added up in another order")
        count = prod(dims[axis] for axis in axes)
        method = "both sides are sums of the same elements in another order"
        bound = f"(gamma({count + 1}) + gamma({roundings})) x sum of |x|, whatever the order of the sums"
        if node.op_type in ("ReduceSum", "ReduceL1"):
            limit = _sum_limit(node.input[0], axes, count + 1, roundings, 1.0)
            return Claim("bounded", method, limit=limit, bound=bound)
        limit = _square_limit(count + 2, roundings + 1, count, root=node.op_type == "ReduceL2")
        return Claim("bounded", method, limit=limit, bound=bound.replace("sum of |x|", "the result itself"))


class ReduceMaxToMaxPool(_Reduction):
    """ReduceMax and GlobalMaxPool become maximum pools."""

    name = "reduce-max-to-max-pool"
    remedies = ()
    operators = ("ReduceMax", "GlobalMaxPool")

    def ways(self, node: Any, dims: tuple[int, ...], axes: tuple[int, ...]) -> list[Way]:
        """Pools in place, with one window, and with small windows."""
        return _pools("MaxPool", dims, axes)

    def claim(self, node: Any, dims: tuple[int, ...], axes: tuple[int, ...], roundings: int) -> Claim:
        """Exact: a maximum is one of the elements."""
        caveat = "which zero wins among zeros of both signs, and what becomes of NaN, is up to the runtime"
        return Claim("exact", "a maximum of maxima is the maximum", finite_only=True, caveats=(caveat,))


def _pools(op_type: str, dims: Sequence[int], axes: Sequence[int]) -> list[Way]:
    def whole(collapse: Collapse, axes: tuple[int, ...], dtype: Any) -> None:
        collapse.pool_at(op_type, [dims[axis] if axis in axes else 1 for axis in (2, 3)])

    def generic(most: int | None) -> Way:
        return lambda collapse, axes, dtype: collapse.pool(op_type, axes, most)

    in_place = [whole] if len(dims) == 4 and axes and min(axes) >= 2 else []
    return [*in_place, generic(None), generic(WINDOW)]


def _over_channels(dims: Sequence[int], axes: Sequence[int]) -> bool:
    return len(dims) == 4 and tuple(axes) == (1,)


def _channels(factor: Callable[[int], float]) -> Way:
    return lambda collapse, axes, dtype: collapse.convolve_channels(factor(collapse.dims[1]), dtype)


def _convolution(factor: Callable[[int], float]) -> Way:
    return lambda collapse, axes, dtype: collapse.convolve(factor, dtype, axes)


def _after(op_type: str, way: Way) -> Way:
    def both(collapse: Collapse, axes: tuple[int, ...], dtype: Any) -> None:
        collapse.value = collapse.builder.add(op_type, [collapse.value])
        way(collapse, axes, dtype)

    return both


def _squared(axes: Sequence[int], dims: Sequence[int]) -> Way:
    def both(collapse: Collapse, axes: tuple[int, ...], dtype: Any) -> None:
        collapse.square()
        collapse.view(dims)
        collapse.convolve(lambda n: 1.0, dtype, axes)

    return both


def _gamma(count: int, dtype: Any) -> float:
    """The bound of a relative error after so many roundings (Higham, Accuracy and Stability, lemma 3.1)."""
    import numpy

    unit = float(numpy.finfo(dtype).eps) / 2
    return count * unit / (1 - count * unit) if count * unit < 1 else float("inf")


def _sum_limit(source: str, axes: tuple[int, ...], old: int, new: int, factor: float) -> Callable[..., Any]:
    """Each of two sums is within gamma of the exact one, relative to the sum of magnitudes, whatever the order.

    Higham, Accuracy and Stability of Numerical Algorithms, section 4.2. Below the normal numbers, rounding is
    absolute.
    """

    def limit(feed: Mapping[str, Any], expected: Any) -> Any:
        import numpy

        magnitude = numpy.abs(feed[source].astype(numpy.float64)).sum(axis=axes, keepdims=True) * factor
        relative = _gamma(old, expected.dtype) + _gamma(new, expected.dtype)
        smallest = float(numpy.finfo(expected.dtype).smallest_subnormal)
        return relative * magnitude.reshape(expected.shape) + (old + new) * smallest

    return limit


def _square_limit(old: int, new: int, count: int, root: bool) -> Callable[..., Any]:
    """All squares have one sign, so the bound is relative to the sum itself; a root halves it and rounds once more.

    Squares that underflow lose up to the smallest number each, of which the root may be taken.
    """

    def limit(feed: Mapping[str, Any], expected: Any) -> Any:
        import numpy

        relative = _gamma(old + root, expected.dtype) + _gamma(new + root, expected.dtype)
        lost = 2 * count * float(numpy.finfo(expected.dtype).tiny)
        return 2 * relative * numpy.abs(expected.astype(numpy.float64)) + (lost**0.5 if root else lost)

    return limit
