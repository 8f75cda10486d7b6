"""Instance and group normalisation end in permitted layers, within their bound at scales from 0.01 to 300."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from mended import Mended, mended, model, normal, run, samples, standardised

NAME = "space-normalization-to-newton"
ALLOWED = {"Add", "AveragePool", "Conv", "Mul", "Relu", "Reshape", "Resize", "Transpose"}


def solved(case: Mended) -> None:
    assert NAME in case.applied
    assert case.weights[1].total == 0, case.reasons
    assert set(case.operators) <= ALLOWED
    proof = next(step.proof for step in case.steps if step.name == NAME and step.proof)
    assert proof.kind == "bounded"
    assert proof.difference.max_rel < 2e-6
    assert mended(case.after, NAME).steps == []


def normalised(operator: str, shape: tuple[int, ...], opset: int = 21) -> tuple[Any, Any]:
    dims = ",".join(map(str, shape))
    weights = {"s": 1 + 0.1 * normal(shape[1]), "b": 0.1 * normal(shape[1], seed=2)}
    call = operator.replace(">", ", epsilon = 1e-6>") if ">" in operator else f"{operator} <epsilon = 1e-6>"
    return model(f"g (float[{dims}] x) => (float[{dims}] y) {{ y = {call} (x, s, b) }}", weights, opset), weights


@pytest.mark.parametrize("shape", [(1, 8, 12, 10), (2, 8, 64, 56), (1, 5, 23, 1), (1, 3, 1, 2), (1, 4, 7, 29)])
@pytest.mark.parametrize("groups", [0, 1])
def test_normalised_over_the_map(shape: tuple[int, ...], groups: int) -> None:
    operator = f"GroupNormalization <num_groups = {groups}>" if groups else "InstanceNormalization"
    proto, weights = normalised(operator, shape)
    case = mended(proto)
    solved(case)
    axes = (1, 2, 3) if groups else (2, 3)
    column = (1, -1, 1, 1)
    for scale in (1e-2, 1.0, 30.0, 300.0):
        x = samples(shape, scale)
        want = standardised(x, axes, 1e-6) * weights["s"].reshape(column) + weights["b"].reshape(column)
        assert np.abs(run(case.after, {"x": x})[0] - want).max() < 3e-6 * np.abs(want).max()


def test_groups_of_channels() -> None:
    proto, weights = normalised("GroupNormalization <num_groups = 4>", (2, 12, 9, 8))
    case = mended(proto)
    solved(case)
    x = samples((2, 12, 9, 8), 3.0)
    want = standardised(x.reshape(2, 4, 3, 9, 8), (2, 3, 4), 1e-6).reshape(x.shape)
    want = want * weights["s"].reshape(1, -1, 1, 1) + weights["b"].reshape(1, -1, 1, 1)
    assert np.abs(run(case.after, {"x": x})[0] - want).max() < 3e-6 * np.abs(want).max()


def test_as_exporters_of_older_sets_write_groups() -> None:
    text = """g (float[1,12,9,8] x) => (float[1,12,9,8] y) {
        a = Reshape (x, groups)\n i = InstanceNormalization (a, one, zero)
        r = Reshape (i, map)\n m = Mul (r, s)\n y = Add (m, b) }"""
    weights = {
        "groups": np.array([1, 4, -1]), "map": np.array([1, 12, 9, 8]), "one": np.ones(4, np.float32),
        "zero": np.zeros(4, np.float32), "s": 1 + 0.1 * normal(12, 1, 1), "b": 0.1 * normal(12, 1, 1, seed=2),
    }  # fmt: skip
    case = mended(model(text, weights, 13))
    solved(case)
    assert case.error() < 1e-6


def test_a_constant_map_becomes_the_bias() -> None:
    proto, weights = normalised("InstanceNormalization", (1, 6, 8, 8))
    case = mended(proto, NAME)
    for level in (0.0, 0.25, -8.0):
        (got,) = run(case.after, {"x": np.full((1, 6, 8, 8), level, np.float32)})
        assert np.abs(got - weights["b"].reshape(1, -1, 1, 1)).max() < 1e-4 * max(1, abs(level))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("g (float[1,2,3,4] x, float[2] c) => (float[1,2,3,4] y)"
         " { y = InstanceNormalization (x, c, b) }", "is computed"),
        ("g (float[1,2,h,4] x) => (float[1,2,h,4] y) { y = InstanceNormalization (x, b, b) }", "not fixed"),
        ("g (float16[1,2,3,4] x) => (float16[1,2,3,4] y) { y = InstanceNormalization (x, h, h) }", "in FP32"),
    ],
)  # fmt: skip
def test_what_it_leaves_and_why(text: str, words: str) -> None:
    weights = {"b": np.ones(2, np.float32), "h": np.ones(2, np.float16)}
    case = mended(model(text, {name: value for name, value in weights.items() if f"{name})" in text}), NAME)
    assert case.applied == []
    assert words in case.reasons
