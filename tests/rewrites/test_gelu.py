from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from mended import mended, model, run

WRITTEN = """g (float[1,8,4,5] x) => (float[1,8,4,5] y) {{
    root = Constant <value = float {{1.4142135}}> ()
    one = Constant <value = float {{1.0}}> ()
    half = Constant <value = float {{0.5}}> ()
    a = Div (x, root)
    b = Erf (a)
    c = Add ({add})
    d = Mul ({first})
    y = Mul ({second})
}}"""
SPELLINGS = [
    WRITTEN.format(add="b, one", first="x, c", second="d, half"),
    WRITTEN.format(add="one, b", first="c, half", second="x, d"),
    WRITTEN.format(add="b, one", first="half, x", second="d, c"),
]


def gelu(shape: str, approximate: str = "none") -> Any:
    dims = f"float[{shape}]"
    return model(f'g ({dims} x) => ({dims} y) {{ y = Gelu <approximate = "{approximate}"> (x) }}', opset=20)


def reference(x: Any) -> Any:
    return np.array([v * 0.5 * math.erfc(-v / math.sqrt(2)) for v in x.reshape(-1).tolist()]).reshape(x.shape)


@pytest.mark.parametrize("proto", [gelu("1,8,4,5"), gelu("1,8,4,5", "tanh"), *map(model, SPELLINGS)])
def test_a_gelu_becomes_permitted(proto: Any) -> None:
    result = mended(proto)
    assert result.weights[1].total == 0
    assert "gelu-to-sigmoid" in result.applied
    assert set(result.operators) == {"Mul", "Conv", "Sigmoid"}
    assert result.kinds == ["bounded"]
    assert not mended(result.after).applied


def test_the_error_is_what_the_fit_promises() -> None:
    result = mended(gelu("1,8,100,100"), "gelu-to-sigmoid")
    x = np.linspace(-12, 12, 80_000, dtype=np.float32).reshape(1, 8, 100, 100)
    (y,) = run(result.after, {"x": x})
    assert np.abs(y - reference(x)).max() < 1.5e-6
    assert run(result.after, {"x": np.full_like(x, 1e20)})[0].max() == np.float32(1e20)
    assert np.abs(run(result.after, {"x": np.full_like(x, -1e20)})[0]).max() == 0


def test_a_wide_second_axis_is_folded_into_the_first() -> None:
    assert mended(gelu("1,4000,2,2")).weights[1].total == 0


def test_an_erf_alone_stays_and_says_why() -> None:
    result = mended(model("g (float[1,8,4,5] x) => (float[1,8,4,5] y) { y = Erf (x) }"))
    assert not result.applied
    assert "not part of a GELU" in result.reasons


def test_another_factor_is_no_gelu() -> None:
    text = SPELLINGS[0].replace("1.4142135", "1.5")
    assert "gelu-to-sigmoid" not in mended(model(text)).applied
