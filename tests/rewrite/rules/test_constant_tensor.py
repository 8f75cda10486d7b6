"""Constants of many elements are computed by convolutions with zero weights, to the last bit."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mended import mended, model, normal

NAME = "constant-tensor-to-convolution"


@pytest.mark.parametrize("operator", ["Add (x, c)", "Add (c, x)", "Sub (x, c)", "Sub (c, x)", "Mul (x, c)"])
def test_the_constant_is_exact(operator: str) -> None:
    text = f"g (float[2,1,7,9] x) => (float[2,1,7,9] y) {{ y = {operator} }}"
    case = mended(model(text, {"c": normal(7, 9)}), NAME)
    assert case.applied == [NAME]
    assert case.weights[1].total == 0
    assert case.kinds == ["exact"]
    assert case.difference() == 0
    assert mended(case.after, NAME).steps == []


def test_a_quotient_is_bounded() -> None:
    text = "g (float[2,1,7,9] x) => (float[2,1,7,9] y) { y = Div (x, c) }"
    case = mended(model(text, {"c": normal(7, 9)}), NAME)
    assert case.kinds == ["bounded"]
    assert case.difference() < 1e-4


def test_one_that_is_too_large_is_refused() -> None:
    text = "g (float[1,1,2311,2] x) => (float[1,1,2311,2] y) { y = Add (x, c) }"
    case = mended(model(text, {"c": normal(2311, 2)}), NAME)
    assert case.applied == []
    assert "no fitting divisor" in case.reasons


@settings(max_examples=20, deadline=None)
@given(
    dims=st.lists(st.integers(1, 4), min_size=4, max_size=4),
    varies=st.lists(st.booleans(), min_size=4, max_size=4),
)
def test_any_shape(dims: list[int], varies: list[bool]) -> None:
    shape = [size if kept else 1 for size, kept in zip(dims, varies, strict=True)]
    text = f"g (float{dims} x) => (float{dims} y) {{ y = Add (x, c) }}"
    case = mended(model(text, {"c": normal(*shape)}), NAME)
    assert case.difference() == 0
    assert bool(case.applied) == (sum(size > 1 for size in shape) > 1)
