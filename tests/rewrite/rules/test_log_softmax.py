"""LogSoftmax and ReduceLogSumExp within their bound at every scale."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mended import Mended, bounded_by, mended, model, random_feed, run

NAME = "log-softmax-to-convolution"
ALLOWED = {"Add", "Conv", "Mul", "Relu", "Reshape", "Transpose"}
SCALES = (0.0, 1e-3, 0.1, 1.0, 10.0, 1e3)


def log_sum(x: Any, axes: tuple[int, ...]) -> Any:
    """In float64, with the axes kept."""
    x = x.astype(np.float64)
    top = x.max(axis=axes, keepdims=True)
    return top + np.log(np.exp(x - top).sum(axis=axes, keepdims=True))


def held(case: Mended, axes: tuple[int, ...], reduces: bool, scales: tuple[float, ...] = SCALES) -> None:
    bounded_by(case, NAME, ALLOWED)
    for scale in scales:
        feed = random_feed(case.before, scale)
        got = run(case.after, feed)[0]
        wanted = log_sum(feed["x"], axes)
        wanted = wanted.reshape(got.shape) if reduces else feed["x"].astype(np.float64) - wanted
        assert np.abs(got - wanted).max() < 1e-5 * max(1.0, np.abs(wanted).max()), scale


@pytest.mark.parametrize(
    ("dims", "axis"), [((2, 3, 9, 8), -1), ((2, 7, 3, 4), 1), ((1, 1, 2, 784), 3), ((2, 2, 3, 4), 1)]
)
def test_log_softmax(dims: tuple[int, ...], axis: int) -> None:
    shape = ",".join(map(str, dims))
    case = mended(model(f"g (float[{shape}] x) => (float[{shape}] y) {{ y = LogSoftmax <axis = {axis}> (x) }}"))
    held(case, (axis % 4,), reduces=False)
    assert not mended(case.after).applied


@settings(max_examples=12, deadline=None)
@given(
    st.lists(st.integers(1, 5), min_size=4, max_size=4),
    st.sets(st.integers(0, 3), min_size=1),
    st.sampled_from([13, 18]),
)
def test_sums_over_any_axes(dims: list[int], axes: set[int], opset: int) -> None:
    chosen = tuple(sorted(axes))
    made = ",".join(str(1 if axis in axes else size) for axis, size in enumerate(dims))
    shape = ",".join(map(str, dims))
    call = f"ReduceLogSumExp <axes = {list(chosen)}> (x)" if opset < 18 else "ReduceLogSumExp (x, axes)"
    stored = {} if opset < 18 else {"axes": np.array(chosen)}
    text = f"g (float[{shape}] x) => (float[{made}] y) {{ y = {call} }}"
    held(mended(model(text, stored, opset=opset)), chosen, reduces=True, scales=(1.0, 30.0))


def test_masked_entries_are_left() -> None:
    text = "g (float[1,2,4,5] x) => (float[1,2,4,5] y) {\n a = Add (x, mask)\n y = LogSoftmax (a)\n}"
    case = mended(model(text, {"mask": np.array([0, 0, 0, -1e9, 0], np.float32)}), NAME)
    assert "mixed into" in case.reasons
