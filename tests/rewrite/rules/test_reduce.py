"""Reductions over any axes become permitted layers, within bounds that are derived."""

from __future__ import annotations

from math import prod

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mended import rewritten

from safecheck.rewrite.algebra.collapse import factors

MEAN, SUM, MAX = "reduce-mean-to-average-pool", "reduce-sum-to-convolution", "reduce-max-to-max-pool"


def reduced(op_type: str, dims: tuple[int, ...], axes: tuple[int, ...], keep: int = 1) -> str:
    """A graph that reduces axes of one input."""
    positive = {axis % len(dims) for axis in axes}
    kept = [1 if axis in positive else dim for axis, dim in enumerate(dims) if keep or axis not in positive]
    shapes = ["[" + ",".join(map(str, shape)) + "]" for shape in (dims, kept)]
    told = (
        f"<keepdims = {keep}> (x, axes)" if op_type == "ReduceSum" else f"<axes = {list(axes)}, keepdims = {keep}> (x)"
    )
    operand = f"<int64[{len(axes)}] axes = {{{', '.join(map(str, axes))}}}>" if op_type == "ReduceSum" else ""
    return f"g (float{shapes[0]} x) => (float{shapes[1]} y) {operand} {{ y = {op_type} {told} }}"


FOUR = [
    ((2, 3, 7, 7), (2, 3)),
    ((2, 3, 7, 5), (-1, -2)),
    ((1, 3, 56, 56), (2, 3)),
    ((2, 8, 4, 3), (1,)),
    ((2, 4, 3, 96), (-1,)),
    ((1, 7, 7, 24), (1, 2)),
    ((2, 3, 4, 5), (0,)),
    ((2, 3, 4, 5), (0, 2)),
    ((2, 3, 4, 5), (1, 3)),
    ((2, 3, 4, 5), (0, 1, 2, 3)),
]


@pytest.mark.parametrize(("dims", "axes"), FOUR)
@pytest.mark.parametrize("op_type", ["ReduceMean", "ReduceSum"])
def test_means_and_sums_of_four_dimensions_become_allowed(
    op_type: str, dims: tuple[int, ...], axes: tuple[int, ...]
) -> None:
    result = rewritten(reduced(op_type, dims, axes), MEAN, SUM)
    assert result.weights == ((1, 0), (0, 0)), result.reasons
    assert result.kinds == ["bounded"]
    assert result.error() < 2e-6


@pytest.mark.parametrize(("dims", "axes"), FOUR)
def test_maxima_become_pools(dims: tuple[int, ...], axes: tuple[int, ...]) -> None:
    result = rewritten(reduced("ReduceMax", dims, axes), MAX)
    assert result.weights[0] == (1, 0)
    assert result.weights[1].forbidden == 0, result.reasons
    assert result.kinds == ["exact"]
    assert result.error() == 0


@pytest.mark.parametrize(
    ("op_type", "left"), [("ReduceSumSquare", 0), ("ReduceL2", 1), ("ReduceL1", 1), ("ReduceLogSum", 1)]
)
def test_what_surrounds_a_sum_is_kept(op_type: str, left: int) -> None:
    text = reduced(op_type, (2, 6, 4, 5), (1,))
    if op_type == "ReduceLogSum":
        text = text.replace("y = ReduceLogSum", "s = Sigmoid (x) y = ReduceLogSum").replace("(x) }", "(s) }")
    result = rewritten(text, SUM)
    assert result.weights == ((1, 0), (0, left)), result.reasons
    assert result.error() < 2e-6


def test_a_global_pool_of_a_large_map_is_pooled_in_steps() -> None:
    result = rewritten("g (float[1,4,56,56] x) => (float[1,4,1,1] y) { y = GlobalAveragePool (x) }", MEAN)
    assert result.weights == ((1, 0), (0, 0))
    assert result.operators.count("AveragePool") == 2
    assert result.error() < 2e-6


def test_axes_of_size_one_need_no_reduction() -> None:
    result = rewritten(
        "g (float[1,1,1,5] x) => (float[1,1,1,5] y) { r = Relu (x) y = ReduceMean <axes = [1, 2]> (r) }", MEAN
    )
    assert result.operators == ["Relu"]


def test_a_small_map_keeps_its_shape() -> None:
    result = rewritten("g (float[1,4,7,7] x) => (float[1,4,1,1] y) { y = GlobalAveragePool (x) }", MEAN)
    assert result.operators == ["AveragePool"]


def test_axes_as_an_operand_that_the_old_parser_misreads() -> None:
    result = rewritten(
        "g (float[1,4,7,7] x) => (float[1,4] y) <int64[2] axes = {2, 3}> { y = ReduceMean <keepdims = 0> (x, axes) }",
        MEAN,
        opset=18,
    )
    assert result.weights == ((1, 0), (0, 0))  # class scores


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("g (float[1,n,7,7] x) => (float[1,n,1,1] y) { y = ReduceMean <axes = [2, 3]> (x) }", "not fixed"),
        ("g (int32[1,4,7,7] x) => (int32[1,4,1,1] y) { y = ReduceMean <axes = [2, 3]> (x) }", "floating-point"),
    ],
)
def test_refusals_say_why(text: str, reason: str) -> None:
    result = rewritten(text, MEAN)
    assert not result.applied
    assert reason in result.reasons


@pytest.mark.slow
@settings(max_examples=20, deadline=None)
@given(st.data())
def test_any_axes_of_any_shape(data: st.DataObject) -> None:
    dims = tuple(data.draw(st.lists(st.integers(1, 6), min_size=1, max_size=5)))
    axes = data.draw(st.sets(st.integers(0, len(dims) - 1), min_size=1, max_size=max(1, len(dims) - 1)))
    keep = 1 if len(axes) == len(dims) else data.draw(st.integers(0, 1))
    op_type = data.draw(st.sampled_from(["ReduceMean", "ReduceSum", "ReduceMax", "ReduceSumSquare"]))
    result = rewritten(reduced(op_type, dims, tuple(axes), keep), MEAN, SUM, MAX)
    assert not [step for step in result.steps if "proof failed" in step.reason]
    assert result.error() < 3e-6


@given(st.integers(1, 5000), st.sampled_from([22, 2304]))
def test_factors_multiply_to_the_number(number: int, most: int) -> None:
    parts = factors(number, most)
    assert prod(parts) == number
    assert all(part <= most or all(part % other for other in range(2, int(np.sqrt(part)) + 1)) for part in parts)
