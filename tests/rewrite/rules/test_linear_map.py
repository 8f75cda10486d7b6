"""Fixed linear maps as 1x1 convolutions: running sums, interpolation, sampling at constant places."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mended import Mended, mended, model, normal

LINEAR = "linear-map-to-convolution"
MODES = ["half_pixel", "align_corners", "asymmetric", "pytorch_half_pixel", "half_pixel_symmetric"]


def solved(case: Mended) -> None:
    assert case.weights[0].total > 0
    assert case.weights[1].total == 0, case.reasons
    assert case.kinds == ["bounded"]
    assert case.error() < 2e-6
    assert mended(case.after, LINEAR).steps == []


@pytest.mark.parametrize("axis", [1, 2, -1])
@pytest.mark.parametrize("attributes", ["", "<exclusive = 1>", "<reverse = 1>", "<exclusive = 1, reverse = 1>"])
def test_running_sums(axis: int, attributes: str) -> None:
    text = f"g (float[2,3,4,5] x) => (float[2,3,4,5] y) {{ y = CumSum {attributes} (x, a) }}"
    solved(mended(model(text, {"a": np.array(axis)}), LINEAR))


@pytest.mark.parametrize("coordinates", MODES)
@pytest.mark.parametrize("mode", ["linear", "cubic"])
def test_interpolation_of_every_mode(mode: str, coordinates: str) -> None:
    attributes = f'mode = "{mode}", coordinate_transformation_mode = "{coordinates}"'
    text = f"g (float[2,3,4,5] x) => (float[2,3,7,9] y) {{ y = Resize <{attributes}> (x, , , sizes) }}"
    solved(mended(model(text, {"sizes": np.array([2, 3, 7, 9])}), LINEAR))


@pytest.mark.parametrize("attributes", ['mode = "linear"', 'mode = "cubic", exclude_outside = 1'])
def test_interpolation_that_is_smoothed_first(attributes: str) -> None:
    text = f"g (float[1,3,8,8] x) => (float[1,3,3,4] y) {{ y = Resize <{attributes}, antialias = 1> (x, , , sizes) }}"
    solved(mended(model(text, {"sizes": np.array([1, 3, 3, 4])}, opset=18), LINEAR))


def test_a_crop_with_a_value_outside_is_no_linear_map() -> None:
    text = """g (float[1,3,4,4] x) => (float[1,3,4,6] y) {
        y = Resize <mode = "linear", coordinate_transformation_mode = "tf_crop_and_resize", extrapolation_value = 1.0>
            (x, roi, , sizes)
    }"""
    weights = {"roi": np.array([0, 0, -1, 0, 1, 1, 1, 1], np.float32), "sizes": np.array([1, 3, 4, 6])}
    assert not mended(model(text, weights), LINEAR).applied


@pytest.mark.parametrize("mode", ["linear", "cubic"])
@pytest.mark.parametrize("padding", ["zeros", "border", "reflection"])
@pytest.mark.parametrize("corners", [0, 1])
def test_sampling_at_constant_places(mode: str, padding: str, corners: int) -> None:
    grid = np.random.default_rng(5).uniform(-1.2, 1.2, (1, 3, 6, 2)).astype(np.float32)
    attributes = f'mode = "{mode}", padding_mode = "{padding}", align_corners = {corners}'
    text = f"g (float[1,2,4,5] x) => (float[1,2,3,6] y) {{ y = GridSample <{attributes}> (x, grid) }}"
    solved(mended(model(text, {"grid": grid}, opset=20), LINEAR))


@pytest.mark.parametrize("base", ["zeros", "numbers", "computed"])
@pytest.mark.parametrize("varying", [(1, 1, 4, 1), (1, 3, 4, 1), (2, 3, 4, 5)])
def test_updates_that_meet_in_a_place_are_added(base: str, varying: tuple[int, ...]) -> None:
    random = np.random.default_rng(2)
    indices = np.broadcast_to(random.integers(-4, 4, varying), (2, 3, 4, 5)).copy()
    indices[..., :2, :] = indices[..., :1, :]  # at least two in one place
    given = ", float[2,3,4,5] d" if base == "computed" else ""
    line = 'y = ScatterElements <axis = 2, reduction = "add"> (d, i, x)'
    text = f"g (float[2,3,4,5] x{given}) => (float[2,3,4,5] y) {{ {line} }}"
    weights = {"i": indices} | ({} if given else {"d": normal(2, 3, 4, 5) * np.float32(base == "numbers")})
    solved(mended(model(text, weights, opset=18), LINEAR))


def test_pillars_are_added_to_their_cells() -> None:
    text = """g (float[1,6,5] x) => (float[1,4,5] y) {
        rows = Reshape (x, flat)
        sums = ScatterND <reduction = "add"> (d, i, rows)
        y = Reshape (sums, back)
    }"""
    weights = {
        "d": np.zeros((4, 5), np.float32), "i": np.array([[0], [2], [2], [3], [0], [2]]),
        "flat": np.array([6, 5]), "back": np.array([1, 4, 5]),
    }  # fmt: skip
    case = mended(model(text, weights, opset=18))
    assert LINEAR in case.applied
    assert case.weights[1].forbidden == 0
    assert case.error() < 2e-6


@pytest.mark.parametrize("shape", [(3, 5, 6), (1, 3, 5, 6), (2, 3, 5, 6)])
@pytest.mark.parametrize("side", ["left", "right"])
def test_another_matrix_for_every_batch(shape: tuple[int, ...], side: str) -> None:
    data, result, line = ("[2,3,4,5]", "[2,3,4,6]", "MatMul (x, w)")
    if side == "left":
        data, result, line = ("[2,3,6,4]", "[2,3,5,4]", "MatMul (w, x)")
    solved(mended(model(f"g (float{data} x) => (float{result} y) {{ y = {line} }}", {"w": normal(*shape)}), LINEAR))


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(st.data())
def test_any_sizes(data: st.DataObject) -> None:
    height, width, tall, wide = (data.draw(st.integers(1, 12)) for _ in range(4))
    attributes = f'mode = "linear", coordinate_transformation_mode = "{data.draw(st.sampled_from(MODES))}"'
    text = (
        f"g (float[2,3,{height},{width}] x) => (float[2,3,{tall},{wide}] y) {{ y = Resize <{attributes}> (x, , , s) }}"
    )
    case = mended(model(text, {"s": np.array([2, 3, tall, wide])}), LINEAR)
    assert "proof failed" not in case.reasons
    assert case.difference() < 2e-6
