"""Peaks of a heat map, where it equals its own maximum pool, without truth values."""

from __future__ import annotations

import numpy as np
import pytest
from mended import mended, model, run

NAME = "peaks-to-relu"


def peaks(
    maker: str = "Sigmoid", window: str = "kernel_shape = [3, 3], pads = [1, 1, 1, 1]", swapped: bool = False
) -> str:
    operands = "m, h" if swapped else "h, m"
    return f"""g (float[1,2,6,5] x) => (float[1,2,6,5] y) {{
        h = {maker} (x)
        m = MaxPool <{window}> (h)
        e = Equal ({operands})
        c = Cast <to = 1> (e)
        y = Mul (h, c)
    }}"""


@pytest.mark.parametrize("swapped", [False, True])
@pytest.mark.parametrize(
    "window", ["kernel_shape = [3, 3], pads = [1, 1, 1, 1]", "kernel_shape = [1, 7], pads = [0, 3, 0, 3]"]
)
def test_peaks_of_scores_are_the_same_ones(window: str, swapped: bool) -> None:
    case = mended(model(peaks(window=window, swapped=swapped)), NAME)
    assert case.applied == [NAME], case.reasons
    assert case.weights[1].total == 0
    assert case.kinds == ["exact"]
    assert case.difference() == 0


def test_plateaus_zeros_and_the_smallest_numbers_are_told_apart() -> None:
    case = mended(model(peaks("Relu")), NAME)
    assert case.applied == [NAME], case.reasons
    x = np.zeros((1, 2, 6, 5), np.float32)
    x[0, 0, 1, 1:3] = 2.0**-149  # a plateau of two
    x[0, 0, 4, 4] = 3e38
    x[0, 1, 2, 2] = np.float32(1)
    x[0, 1, 2, 3] = np.nextafter(np.float32(1), np.float32(0))
    (want,) = run(case.before, {"x": x})
    (got,) = run(case.after, {"x": x})
    assert np.array_equal(want, got)
    assert (want > 0).sum() == 4


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (peaks("Neg"), "may be negative"),
        (peaks().replace("c = Cast <to = 1> (e)", "i = Cast <to = 7> (e)\nc = Cast <to = 1> (i)"), "another type"),
    ],
)
def test_refusals_say_why(text: str, reason: str) -> None:
    case = mended(model(text), NAME)
    assert case.applied == []
    assert reason in case.reasons


def test_maxima_of_other_windows_are_no_peaks() -> None:
    text = peaks(window="kernel_shape = [3, 3], pads = [0, 0, 2, 2]")
    assert mended(model(text), NAME).steps == []
