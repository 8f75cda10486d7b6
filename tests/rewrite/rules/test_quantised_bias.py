"""Biases that a quantiser stored as INT32 become FLOAT, bit for bit; everything else stays quantised."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from mended import SAFETY_10, Mended, mended, model

BIAS = "store-bias-as-float"
STORED = np.array([-(2**31), -12345, 7, 2**31 - 1], np.int32)  # the outer ones are rounded when they become FLOAT


def quantised(scale: Any, attributes: str = "", zero: Any = None) -> Mended:
    text = f"""g (float[1,8,8,8] x) => (float[1,4,8,8] y) {{
        q = QuantizeLinear (x, s, z) d = DequantizeLinear (q, s, z) wd = DequantizeLinear (w, s)
        b = DequantizeLinear {attributes} (bq, bs{"" if zero is None else ", bz"})
        y = Conv (d, wd, b)
    }}"""
    weights = {
        "s": np.float32(0.05), "z": np.int8(0), "bq": STORED, "bs": scale,
        "w": np.random.default_rng(1).integers(-127, 128, (4, 8, 1, 1)).astype(np.int8),
    } | ({} if zero is None else {"bz": zero})  # fmt: skip
    return mended(model(text, weights), BIAS, profile_id=SAFETY_10)


@pytest.mark.parametrize(
    ("scale", "attributes", "zero"),
    [
        (np.float32(3e-4), "", None),
        (np.float32([3e-4, 1e-3, 7e-5, 2e-9]), "<axis = 0>", None),
        (np.float32([3e-4, 1e-3, 7e-5, 2e-9]), "<axis = 0>", np.zeros(4, np.int32)),
    ],
)
def test_a_bias_is_stored_as_the_products(scale: Any, attributes: str, zero: Any) -> None:
    case = quantised(scale, attributes, zero)
    assert (case.weights[0].total, case.weights[1].total) == (1, 0)
    assert case.kinds == ["exact"]
    assert case.difference() == 0
    assert case.operators == ["QuantizeLinear", "DequantizeLinear", "DequantizeLinear", "Conv"]
    assert not mended(case.after, BIAS, profile_id=SAFETY_10).steps


def test_numbers_that_the_network_computes_stay() -> None:
    text = """g (float[1,4] x) => (float[1,4] y) {
        i = Cast <to = 6> (x) b = DequantizeLinear (i, s) y = Relu (b)
    }"""
    assert not mended(model(text, {"s": np.float32(0.5)}), BIAS, profile_id=SAFETY_10).steps
