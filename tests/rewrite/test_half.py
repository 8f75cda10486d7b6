"""What a replacement becomes in FP16 is measured as if every value were stored in FP16, and says what has to stay."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from mended import mended, model, normal, random_feed, run

from safecheck.rewrite.proof.half import ENOUGH, Half


def proofs(text: str, weights: dict[str, Any] | None = None, opset: int = 18) -> dict[str, Half | None]:
    case = mended(model(text, weights, opset))
    return {step.name: step.proof.half for step in case.steps if step.proof is not None}


def test_a_product_is_as_good_as_numpy_says_it_is() -> None:
    weights = {"w": normal(32, 16)}
    text = "g (float[1,2,3,32] x) => (float[1,2,3,16] y) { y = MatMul (x, w) }"
    (found,) = proofs(text, weights).values()
    assert found is not None
    assert found.kept == ()
    proto = model(text, weights)
    x = random_feed(proto)["x"].astype(np.float16).astype(np.float64)
    exact = x @ weights["w"].astype(np.float64)
    stored = (x @ weights["w"].astype(np.float16).astype(np.float64)).astype(np.float16)
    error = np.abs(exact - stored).max() / np.abs(exact).max()
    assert found.whole == pytest.approx(error, rel=3)  # other samples, the same kind of rounding
    assert found.whole > 2.0**-13


def test_a_normalisation_needs_its_statistics_in_full_precision() -> None:
    text = "g (float[1,4,5,32] x) => (float[1,4,5,32] y) { y = LayerNormalization <epsilon = 1e-6> (x, s) }"
    found = proofs(text, {"s": np.ones(32, np.float32)})["normalization-to-newton"]
    assert found is not None
    assert found.whole is None or found.whole > ENOUGH
    assert found.mixed is not None
    assert found.mixed < ENOUGH
    assert len(found.layers) == len(found.kept) > 10
    case = mended(model(text, {"s": np.ones(32, np.float32)}))
    operators = {node.name: node.op_type for node in case.after.graph.node}
    assert {operators[name] for name in found.layers} <= {"Add", "Conv", "Mul", "Relu"}
    assert "layers kept in FP32" in str(found)


def test_every_value_is_rounded_not_only_the_result() -> None:
    # exp(x) squares six times what is rounded to eleven digits: far more than one rounding of the result.
    found = proofs("g (float[1,4,5,6] x) => (float[1,4,5,6] y) { y = Exp (x) }")["function-on-range"]
    assert found is not None
    assert found.whole is not None
    assert found.whole > 8 * 2.0**-11
    assert found.mixed is not None
    assert found.mixed <= 2.0**-11


def test_nothing_is_said_of_what_is_exact_or_in_half_precision_already() -> None:
    moved = "g (float[1,4,5,6] x) => (float[1,4,6,5] y) { y = Transpose <perm = [0, 1, 3, 2]> (x) }"
    assert not any(proofs(moved).values())
    text = "g (float16[1,2,3,4] x) => (float16[1,2,3,4] y) { y = Gelu (x) }"
    assert list(proofs(text, opset=20).values()) == [None]
    assert run(model(text, opset=20), random_feed(model(text, opset=20)))[0].dtype == np.float16
