"""What is known of the smallest element of a value: never more than what the network can make."""

from __future__ import annotations

import numpy as np
import pytest
from mended import model, run

from safecheck.rewrite.algebra.floor import floor
from safecheck.rewrite.graph import MutableGraph

CASES = {
    "y = Relu (x)": 0.0,
    "q = Mul (x, x)\n y = Add (q, half)": 0.5,
    "y = Mul (x, half)": None,
    "y = Clip (x, half)": 0.5,
    "y = Clip (x, half, less)": -3.0,
    "y = Clip (x)": None,
    "y = Max (x, half)": 0.5,
    "y = Pow (x, two)": 0.0,
    "y = Pow (x, half)": None,
    "a = Exp (x)\n b = Sigmoid (x)\n c = Concat <axis = 1> (a, b)\n y = ReduceMean (c)": 0.0,
    "a = Exp (x)\n c = Concat <axis = 1> (a, x)\n y = Add (c, half)": None,
    "a = Abs (x)\n b = Sub (a, half)\n y = Add (b, half)": None,
    "a = Abs (x)\n b = Add (a, half)\n d = Div (b, b)\n t = Transpose (d)\n y = ReduceSum (t)": 0.0,
    "a = Abs (x)\n b = Add (a, half)\n c = Mul (b, b)\n y = Mul (c, half)": 0.0,
    "a = Abs (x)\n b = Add (a, half)\n c = Mul (b, half)\n y = Identity (c)": 0.25,
    "y = AveragePool <kernel_shape = [2, 2]> (x)": None,
}


@pytest.mark.parametrize("body", CASES)
def test_floors(body: str) -> None:
    weights = {"half": np.float32(0.5), "two": np.float32(2), "less": np.float32(-3)}
    used = {name: value for name, value in weights.items() if f"{name})" in body or f"{name}," in body}
    proto = model(f"g (float[1,2,3,4] x) => (float y) {{ {body} }}", used)
    found = floor(MutableGraph(type(proto).FromString(proto.SerializeToString())), "y")
    assert found == CASES[body]
    for seed in range(3 if found is not None else 0):
        x = (np.random.default_rng(seed).standard_normal((1, 2, 3, 4)) * 10.0**seed).astype(np.float32)
        assert run(proto, {"x": x})[0].min() >= found
