"""Local response normalisation ends in convolutions, sums and products, within its bound of the exact quotient."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from mended import RESTRICTED, SAFETY_10, Mended, bounded_by, mended, model, run

NAME = "response-normalization-to-newton"
OPERATORS = {"Add", "Conv", "Mul", "Relu", "Reshape"}


def normalised(x: Any, size: int, alpha: float, beta: float, bias: float) -> Any:
    """As ONNX defines it, in double precision."""
    x = x.astype(np.float64)
    made = np.empty_like(x)
    for channel in range(x.shape[1]):
        first, last = max(0, channel - (size - 1) // 2), min(x.shape[1] - 1, channel + size // 2)
        total = (x[:, first : last + 1] ** 2).sum(1)
        made[:, channel] = x[:, channel] / (bias + alpha / size * total) ** beta
    return made


def case_of(size: int, attributes: str, shape: str = "1,16,7,5", target: str = RESTRICTED) -> Mended:
    text = f"g (float[{shape}] x) => (float[{shape}] y) {{ y = LRN <size = {size}{attributes}> (x) }}"
    return mended(model(text), profile_id=target)


@pytest.mark.parametrize("target", [RESTRICTED, SAFETY_10])
@pytest.mark.parametrize(
    ("size", "alpha", "beta", "bias"),
    [
        (5, 1e-4, 0.75, 1.0),  # AlexNet and GoogLeNet as converted from Caffe
        (5, 1e-4, 0.75, 2.0),  # as published
        (1, 2e-5, 0.75, 1.0),  # OverFeat
        (9, 0.5, 0.5, 0.01),
        (31, 1.0, 1.0, 1.0),
        (3, 0.01, 0.6, 1.5),
    ],
)
def test_it_is_the_quotient(size: int, alpha: float, beta: float, bias: float, target: str) -> None:
    case = case_of(size, f", alpha = {alpha}, beta = {beta}, bias = {bias}", target=target)
    bounded_by(case, NAME, OPERATORS)
    assert mended(case.after, profile_id=target).applied == []
    random = np.random.default_rng(size)
    for scale in (0.0, 1e-3, 1.0, 30.0, 300.0):
        x = (scale * random.standard_normal((1, 16, 7, 5))).astype(np.float32)
        exact = normalised(x, size, *(float(np.float32(number)) for number in (alpha, beta, bias)))
        worst = np.abs(run(case.after, {"x": x})[0] - exact).max(initial=0)
        assert worst <= (3e-5 if beta == 0.6 else 3e-6) * np.abs(exact).max() + 1e-40


@pytest.mark.parametrize("seed", range(12))
def test_random_parameters(seed: int) -> None:
    random = np.random.default_rng(seed)
    size, channels = 2 * int(random.integers(0, 8)) + 1, int(random.integers(1, 40))
    alpha, bias = float(10 ** random.uniform(-5, 0)), float(10 ** random.uniform(-2, 1))
    beta = float(random.choice([0.5, 0.75, 1.0, random.uniform(0.1, 2)]))
    case = case_of(size, f", alpha = {alpha}, beta = {beta}, bias = {bias}", f"2,{channels},3,4")
    bounded_by(case, NAME, OPERATORS)
    x = random.standard_normal((2, channels, 3, 4)).astype(np.float32)
    exact = normalised(x, size, *(float(np.float32(number)) for number in (alpha, beta, bias)))
    assert np.abs(run(case.after, {"x": x})[0] - exact).max() <= 5e-5 * np.abs(exact).max()


def test_beyond_the_range_the_sum_stays_at_its_end() -> None:
    case = case_of(1, ", alpha = 1.0, beta = 0.5, bias = 1.0")
    (step,) = (step for step in case.steps if step.applied)
    assert step.proof is not None
    assert "1 (derived) and 1e+06 (assumed)" in str(step.proof.ranges[0])
    made = run(case.after, {"x": np.full((1, 16, 7, 5), 1e5, np.float32)})[0]
    assert np.abs(made / 100 - 1).max() < 1e-3  # 1e5 / sqrt(1e6 + 1)


@pytest.mark.parametrize(
    ("attributes", "words", "shape"),
    [
        (", bias = 0.0", "not positive", "1,16,7,5"),
        (", alpha = -1.0", "negative", "1,16,7,5"),
        (", beta = 40.0", "leaves the range", "1,16,7,5"),
        ("", "four dimensions", "2,8,40"),
    ],
)
def test_what_has_no_bound_says_so(attributes: str, words: str, shape: str) -> None:
    case = case_of(5, attributes, shape)
    assert case.applied == []
    assert words in case.reasons


def test_half_precision_keeps_it() -> None:
    text = "g (float16[1,16,7,5] x) => (float16[1,16,7,5] y) { y = LRN <size = 5> (x) }"
    case = mended(model(text))
    assert case.applied == []
    assert "keep it in FP32" in case.reasons
