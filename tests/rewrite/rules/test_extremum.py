"""The largest and the smallest element along axes, by halving."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mended import Mended, mended, model

HALVING = "extremum-by-halving"


def solved(case: Mended) -> None:
    assert case.applied == [HALVING], case.reasons
    assert case.weights[0].total > case.weights[1].total == 0
    assert case.kinds == ["bounded"]
    assert case.difference() < 2e-6
    assert mended(case.after, HALVING).steps == []


@pytest.mark.parametrize("op_type", ["ReduceMax", "ReduceMin"])
@pytest.mark.parametrize(
    ("axes", "kept"), [([1], [2, 1, 5, 7]), ([3], [2, 6, 5, 1]), ([2, 3], [2, 6, 1, 1]), ([0], [1, 6, 5, 7])]
)
def test_one_element_remains_along_every_axis(op_type: str, axes: list[int], kept: list[int]) -> None:
    text = f"g (float[2,6,5,7] x) => (float{kept} y) {{ y = {op_type} <axes = {axes}> (x) }}"
    solved(mended(model(text), HALVING))


def test_the_only_window_of_a_pool() -> None:
    text = "g (float[2,3,20,17] x) => (float[2,3,1,1] y) { y = MaxPool <kernel_shape = [20, 17]> (x) }"
    solved(mended(model(text), HALVING))


def test_a_pool_that_slides_is_another_matter() -> None:
    text = "g (float[2,3,4,4] x) => (float[2,3,3,3] y) { y = MaxPool <kernel_shape = [2, 2]> (x) }"
    assert not mended(model(text), HALVING).steps


def test_an_axis_that_is_too_long_for_a_convolution_is_refused() -> None:
    text = "g (float[1,1,1,4000] x) => (float[1,1,1,1] y) { y = ReduceMin <axes = [3]> (x) }"
    assert "longer than 2304" in mended(model(text), HALVING).reasons


@pytest.mark.slow
@settings(max_examples=12, deadline=None)
@given(st.data())
def test_any_axes(data: st.DataObject) -> None:
    dims = data.draw(st.lists(st.integers(1, 9), min_size=4, max_size=4))
    axes = sorted(data.draw(st.sets(st.integers(0, 3), min_size=1)))
    kept = [1 if axis in axes else size for axis, size in enumerate(dims)]
    text = f"g (float{dims} x) => (float{kept} y) {{ y = ReduceMin <axes = {axes}> (x) }}"
    case = mended(model(text), HALVING)
    assert "proof failed" not in case.reasons
    assert case.difference() < 2e-6
