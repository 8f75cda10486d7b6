"""Constants among elements that are moved: class tokens, borders of a value, masks chosen before the export."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mended import Mended, mended, model, normal, run

ROTATE = "rotate-with-transpose"
TEXTS = {
    "a class token": ("[1,1,6,5]", "y = Concat <axis = 2> (k, x)", {"k": normal(1, 1, 1, 5)}),
    "tokens at both ends": ("[1,1,7,5]", "y = Concat <axis = 2> (k, x, k)", {"k": normal(1, 1, 1, 5)}),
    "a border of a value": (
        "[1,1,7,8]",
        "y = Pad (x, p, v)",
        {"p": np.array([0, 0, 1, 2, 0, 0, 1, 1]), "v": np.float32(1.5)},
    ),
    "a table that is overwritten": (
        "[1,1,8,5]",
        "y = ScatterElements <axis = 2> (d, i, x)",
        {"d": normal(1, 1, 8, 5), "i": np.broadcast_to(np.array([7, 5, 3, 1, 0])[:, None], (1, 1, 5, 5)).copy()},
    ),
}


def tried(name: str) -> Mended:
    shape, line, weights = TEXTS[name]
    return mended(model(f"g (float[1,1,5,5] x) => (float{shape} y) {{ {line} }}", weights), ROTATE)


@pytest.mark.parametrize("name", TEXTS)
def test_constants_are_added_in_their_places(name: str) -> None:
    case = tried(name)
    assert case.weights[0].total > 0
    assert case.weights[1].total == 0, case.reasons
    assert case.kinds == ["exact"]
    assert case.difference() == 0
    assert mended(case.after, ROTATE).steps == []


def test_a_token_in_front_of_three_dimensions_costs_the_reshapes_of_the_interface_only() -> None:
    case = mended(
        model(
            """g (float[1,6,5] x) => (float[1,7,5] y) {
            a = Sigmoid (x) c = Concat <axis = 1> (k, a) d = Relu (c) e = Mul (d, c) f = Add (e, c) y = Add (f, d)
        }""",
            {"k": normal(1, 1, 5)},
        )
    )
    assert case.weights[1] == (0, 2), case.reasons
    assert case.difference() == 0


@pytest.mark.parametrize("operands", ["c, x, k", "c, k, x"])
@pytest.mark.parametrize("shape", [(1, 1, 5, 5), (5, 1), (5, 5), ()])
def test_a_mask_takes_data_or_a_constant(operands: str, shape: tuple[int, ...]) -> None:
    text = f"g (float[1,3,5,5] x) => (float[1,3,5,5] y) {{ y = Where ({operands}) }}"
    weights = {"c": np.random.default_rng(3).random(shape) > 0.5, "k": normal(1, 3, 1, 1)}
    case = mended(model(text, weights))
    assert case.weights[1].total == 0, case.reasons
    assert set(case.kinds) <= {"exact"}
    assert case.difference() == 0


def test_a_mask_of_minus_infinity_is_refused() -> None:
    text = "g (float[1,3,5,5] x) => (float[1,3,5,5] y) { y = Where (c, x, k) }"
    case = mended(model(text, {"c": np.eye(5, dtype=bool), "k": np.float32(-np.inf)}))
    assert not case.applied
    assert "leaves the range of the type" in case.reasons


@pytest.mark.parametrize("number", [np.inf, np.nan, -0.0])
def test_constants_that_a_sum_would_change_are_refused(number: float) -> None:
    text = "g (float[1,1,5,5] x) => (float[1,1,6,5] y) { y = Concat <axis = 2> (k, x) }"
    case = mended(model(text, {"k": np.full((1, 1, 1, 5), number, np.float32)}), ROTATE)
    assert not case.applied
    assert "no finite numbers" in case.reasons


def test_a_computed_border_is_moved_too() -> None:
    text = """g (float[1,1,5,5] x, float v) => (float[1,1,7,5] y) { y = Pad (x, p, v) }"""
    case = mended(model(text, {"p": np.array([0, 0, 1, 0, 0, 0, 1, 0])}), ROTATE)
    feed = {"x": normal(1, 1, 5, 5), "v": np.array(3, np.float32)}
    assert np.array_equal(run(case.before, feed)[0], run(case.after, feed)[0])


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(st.data())
def test_any_pads_around_any_rank(data: st.DataObject) -> None:
    dims = data.draw(st.lists(st.integers(1, 5), min_size=2, max_size=5))
    pads = [data.draw(st.integers(0, 2)) for _ in range(2 * len(dims))]
    made = [size + pads[at] + pads[at + len(dims)] for at, size in enumerate(dims)]
    text = f"g (float[{','.join(map(str, dims))}] x) => (float[{','.join(map(str, made))}] y) {{ y = Pad (x, p, v) }}"
    case = mended(model(text, {"p": np.array(pads), "v": np.float32(-2.25)}), ROTATE)
    assert "proof failed" not in case.reasons
    assert case.difference() == 0
