"""Functions of one variable in permitted layers: within their derived error, and steady outside of their range."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mended import model, run

from safecheck.rewrite.algebra import approximate
from safecheck.rewrite.algebra.approximate import Approximation, newton
from safecheck.rewrite.algebra.plane import Plane
from safecheck.rewrite.builder import Builder
from safecheck.rewrite.graph import MutableGraph

ALLOWED = {"Add", "Conv", "Mul", "Relu", "Reshape"}
U = 2.0**-24


def computed(write: Callable[[Plane, str], Approximation], x: Any, largest: int = 1 << 30) -> tuple[Any, Approximation]:
    """What a program makes of some numbers, and what it promises; no tensor has more bytes than `largest`."""
    size = len(x)
    proto = model(f"g (float[1,{size},1,1] x) => (float[1,{size},1,1] y) {{ y = Relu (x) }}")
    graph = MutableGraph(proto)
    graph.largest = largest
    builder = Builder(graph, "y")
    plane = Plane(builder, (1, size, 1, 1), "FLOAT")
    found = write(plane, plane.enter("x"))
    new = builder.replacement(["x"], {"y": plane.leave(found.value)})
    graph.apply(new, {})
    after = graph.model()
    onnx.checker.check_model(after, full_check=True)
    assert {node.op_type for node in after.graph.node} <= ALLOWED
    widths = [tensor.dims[0] for tensor in after.graph.initializer if len(tensor.dims) == 4]
    assert max(widths) * 4 * size <= max(largest, 4 * size)
    (y,) = run(after, {"x": np.asarray(x, np.float32).reshape(1, size, 1, 1)})
    return y.reshape(-1).astype(np.float64), found


def spread(low: float, high: float, count: int = 1999) -> Any:
    return np.geomspace(low, high, count).astype(np.float32)


RANGES = [(1e-6, 1e6), (1e-5, 10.0), (1e-12, 1e12), (1.0, 49.0), (0.5, 0.5001), (3.0, 4096.0)]
POWERS: dict[str, tuple[Any, float]] = {
    "inverse_root": (approximate.inverse_root, -0.5),
    "inverse": (approximate.inverse, -1.0),
}


@pytest.mark.parametrize("limits", RANGES)
@pytest.mark.parametrize("name", POWERS)
def test_powers_keep_their_promise_over_the_whole_range(name: str, limits: tuple[float, float]) -> None:
    write, exponent = POWERS[name]
    x = spread(*limits)
    x = x[(x >= np.float32(limits[0])) & (x <= np.float32(limits[1]))]
    y, found = computed(lambda plane, value: write(plane, value, *limits), x)
    want = x.astype(np.float64) ** exponent
    assert (np.abs(y - want) <= found.relative * want).all()
    assert found.relative <= 8 * U


@pytest.mark.parametrize("most", [1, 3, 7])
def test_segments_come_in_parts_where_a_tensor_would_be_too_large(most: int) -> None:
    x = spread(1e-6, 1e6)[1:-1]

    def write(plane: Plane, value: str) -> Approximation:
        flat = Plane(plane.builder, (1, 1, len(x), 1), "FLOAT")
        found = approximate.inverse_root(flat, plane.builder.reshape(value, flat.seen), 1e-6, 1e6)
        return Approximation(plane.builder.reshape(found.value, plane.seen), found.relative)

    y, found = computed(write, x, most * 4 * len(x))
    want = x.astype(np.float64) ** -0.5
    assert (np.abs(y - want) <= found.relative * want).all()


@pytest.mark.parametrize("name", POWERS)
def test_powers_stay_at_the_ends_outside(name: str) -> None:
    write, exponent = POWERS[name]
    x = [-1e30, -1.0, 0.0, 1e-9, 2e6, 1e15, 3e38]
    y, _ = computed(lambda plane, value: write(plane, value, 1e-6, 1e6), x)
    assert np.isfinite(y).all()
    ends = np.array([1e-6**exponent] * 4 + [1e6**exponent] * 3)
    assert y[2:5] / ends[2:5] == pytest.approx(1, rel=1e-5)
    # Others are brought to the end of the range within their own rounding only.
    assert (y > 0).all()
    assert (y <= 30 * ends).all()


def test_the_inverse_of_either_sign() -> None:
    x = np.concatenate([spread(1e-3, 1e3), -spread(1e-3, 1e3)])
    y, found = computed(lambda plane, value: approximate.inverse_of_either_sign(plane, value, 0.9e-3, 1.1e3), x)
    want = 1 / x.astype(np.float64)
    assert (np.abs(y - want) <= found.relative * np.abs(want)).all()


def test_a_root_from_zero_on() -> None:
    x = np.concatenate([[0.0], spread(1e-20, 1e12)]).astype(np.float32)
    y, found = computed(lambda plane, value: approximate.root(plane, value, 1e-18, 1e12), x)
    want = np.sqrt(x.astype(np.float64))
    assert (np.abs(y - want) <= found.relative * want + found.absolute).all()
    assert y[0] == 0


def test_an_exponential_that_decays() -> None:
    x = np.concatenate([[0.0], -spread(1e-8, 1e30)])
    y, found = computed(approximate.decay, x)
    assert (np.abs(y - np.exp(x.astype(np.float64))) <= found.absolute).all()
    assert found.absolute < 4.1e-6


@pytest.mark.parametrize("limits", [(-16.0, 16.0), (-80.0, 80.0), (-1.0, 0.25), (0.0, 3.0)])
def test_an_exponential_on_a_range(limits: tuple[float, float]) -> None:
    x = np.linspace(*limits, 2001).astype(np.float32)
    y, found = computed(lambda plane, value: approximate.exponential(plane, value, *limits), x)
    want = np.exp(x.astype(np.float64))
    assert (np.abs(y - want) <= found.relative * want).all()
    beyond, _ = computed(lambda plane, value: approximate.exponential(plane, value, *limits), [-1e6, 1e6])
    assert beyond == pytest.approx(np.exp(limits), rel=1e-4)


@pytest.mark.parametrize("limits", [(1e-12, 1e12), (1e-6, 1e6), (1.0, 4096.0), (0.5, 2.0), (1e-12, 1e-3)])
def test_a_logarithm(limits: tuple[float, float]) -> None:
    x = spread(*limits)[1:-1]
    y, found = computed(lambda plane, value: approximate.logarithm(plane, value, *limits), x)
    assert (np.abs(y - np.log(x.astype(np.float64))) <= found.absolute).all()
    assert found.absolute < 5e-5
    beyond, _ = computed(lambda plane, value: approximate.logarithm(plane, value, *limits), [-1e6, 0.0, 1e20])
    assert np.isfinite(beyond).all()


def test_a_logarithm_of_one_more() -> None:
    x = np.concatenate([[0.0], spread(1e-12, 1.0)])
    y, found = computed(approximate.log_of_one_more, x)
    assert (np.abs(y - np.log1p(x.astype(np.float64))) <= found.absolute).all()
    assert y[0] == 0
    assert found.absolute < 5e-6


@settings(max_examples=25, deadline=None)
@given(st.floats(-30, 30), st.floats(0.001, 30), st.sampled_from([-0.5, -1.0]), st.sampled_from([U, 2.0**-11]))
def test_a_plan_holds_by_its_own_account(start: float, length: float, exponent: float, unit: float) -> None:
    low = 10.0 ** (start / 3)
    high = low * 10 ** (length / 3)
    if unit > 1e-6 and (low < 1e-3 or high > 1e3):
        return
    plan = newton(exponent, low, high, unit)
    v = np.geomspace(plan.knots[0], plan.knots[-1], 3001)
    y = np.interp(v, plan.knots, plan.values)
    assert np.abs(y * v**-exponent - 1).max() <= plan.start * 1.001 + 2 * unit
    assert plan.relative <= 8 * unit
