"""Adaptive pools as exporters write them out: gathered windows, masks, sums and quotients are one matrix."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from mended import Mended, mended, model, normal, run

ISLAND = "linear-island-to-convolution"


def windows(size: int, count: int) -> tuple[Any, Any, Any]:
    """Of an adaptive pool along one axis: places (count, longest), which of them hang over, and how many do not."""
    starts = np.arange(count) * size // count
    ends = -(-(np.arange(count) + 1) * size // count)
    longest = int((ends - starts).max())
    places = starts[:, None] + np.arange(longest)
    return np.minimum(places, size - 1), places >= ends[:, None], (ends - starts).astype(np.float32)


def expected(x: Any, count: int) -> Any:
    """By the definition: the mean of every window."""
    size = x.shape[2]
    edges = [(at * size // count, -(-(at + 1) * size // count)) for at in range(count)]
    rows = [[x[:, :, a:b, c:d].mean((2, 3)) for c, d in edges] for a, b in edges]
    return np.stack([np.stack(row, 2) for row in rows], 2)


def pool(size: int, count: int, sums: str) -> Mended:
    """An adaptive pool to count x count between convolutions, its sums written out in some way."""
    places, over, lengths = windows(size, count)
    grid = np.stack(np.broadcast_arrays(places[:, :, None, None], places[None, None]), -1)
    text = f"""g (float[1,3,{size},{size}] x) => (float[1,3,{count},{count}] y) {{
        turned = Transpose <perm = [2, 3, 0, 1]> (x) picked = GatherND (turned, grid)
        back = Transpose <perm = [4, 5, 0, 1, 2, 3]> (picked)
        rows = Where (over_rows, zero, back) all = Where (over, zero, rows)
        {sums}
        y = Div (total, sizes)
    }}"""
    constants = {
        "grid": grid, "over_rows": over[:, :, None, None], "over": over, "zero": np.float32(0),
        "sizes": lengths[:, None] * lengths[None], "at0": np.int64(0), "at1": np.int64(1), "axes": np.array([3, 5]),
    }  # fmt: skip
    return mended(model(text, constants, opset=18), ISLAND)


ONE_BY_ONE = """a = Gather <axis = 3> (all, at0) b = Gather <axis = 3> (all, at1)
        aa = Gather <axis = 4> (a, at0) ab = Gather <axis = 4> (a, at1)
        ba = Gather <axis = 4> (b, at0) bb = Gather <axis = 4> (b, at1)
        s = Add (aa, ab) t = Add (s, ba) total = Add (t, bb)"""


@pytest.mark.parametrize(
    ("size", "count", "sums"),
    [(4, 6, ONE_BY_ONE), (5, 3, "total = ReduceSum <keepdims = 0> (all, axes)"), (7, 4, ONE_BY_ONE)],
)
def test_windows_that_overlap_are_one_convolution(size: int, count: int, sums: str) -> None:
    case = pool(size, count, sums)
    assert case.applied == [ISLAND], case.reasons
    assert case.weights[1].total == 0
    assert case.operators.count("Conv") == 1
    assert case.kinds == ["bounded"]
    x = normal(1, 3, size, size)
    (made,) = run(case.after, {"x": x})
    if sums is not ONE_BY_ONE or windows(size, count)[0].shape[1] == 2:
        assert np.allclose(made, expected(x, count), atol=1e-6)


def test_what_is_subtracted_stays() -> None:
    """Coefficients could cancel, and then the bound would not hold for every order of the sums."""
    case = pool(4, 6, ONE_BY_ONE.replace("t = Add (s, ba)", "t = Sub (s, ba)"))
    assert ISLAND not in case.applied


def test_a_constant_that_is_added_stays() -> None:
    case = pool(4, 6, ONE_BY_ONE.replace("t = Add (s, ba)", "u = Add (s, ba) t = Add (u, sizes)"))
    assert ISLAND not in case.applied
