from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from safecheck.measure.quantize.clipping import LEVELS, STEPS, _squares, entropy_bins, threshold
from safecheck.measure.quantize.histogram import BINS, Histogram, NotFinite


def counted(*batches: np.ndarray) -> Histogram:
    histogram = Histogram()
    for batch in batches:
        histogram.add(batch)
    return histogram


def heavy_tailed(seed: int = 0, size: int = 200_000) -> np.ndarray:
    return np.random.default_rng(seed).standard_t(3, size).astype(np.float32)


@pytest.mark.slow
@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=1), min_size=1, max_size=6),
    st.randoms(),
)
def test_the_order_and_the_batches_do_not_matter(batches: list[list[float]], shuffle) -> None:  # type: ignore[no-untyped-def]
    values = [np.array(batch, np.float32) for batch in batches]
    one = counted(np.concatenate(values))
    shuffle.shuffle(values)
    other = counted(*values)
    assert (one.counts == other.counts).all()
    assert (one.exponent, one.zeros, one.largest) == (other.exponent, other.zeros, other.largest)
    assert one.counts.sum() + one.zeros == sum(map(len, batches))


def test_the_counts_are_those_of_numpy() -> None:
    values = heavy_tailed()
    histogram = counted(values[:10] / 1000, *np.array_split(values[10:], 7))
    expected, _ = np.histogram(
        np.abs(np.concatenate([values[:10] / 1000, values[10:]])), BINS, (0, 2.0**histogram.exponent)
    )
    assert (histogram.counts == expected).all()
    assert 2.0 ** (histogram.exponent - 1) <= np.abs(values).max() < 2.0**histogram.exponent


def test_zeros_and_small_numbers() -> None:
    histogram = counted(np.zeros(5, np.float32), np.array([1e-44, 0, 3], np.float32), np.empty(0, np.float32))
    assert histogram.zeros == 6
    assert histogram.counts[0] == 1
    assert histogram.counts.sum() == 2
    assert counted(np.array([1.5], np.float16)).largest == 1.5


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_refused(bad: float) -> None:
    with pytest.raises(NotFinite):
        counted(np.array([1, bad], np.float32))


@pytest.mark.parametrize("method", ["entropy", "percentile", "minmax", "mse"])
def test_a_tensor_of_zeros_has_no_threshold_and_one_value_has_its_own(method: str) -> None:
    assert threshold(counted(np.zeros(9, np.float32)), method, 99.9) == 0
    assert threshold(counted(np.full(9, -0.3, np.float32)), method, 99.9) == np.float32(0.3)


def test_minmax_and_percentile() -> None:
    values = heavy_tailed()
    histogram = counted(values)
    assert threshold(histogram, "minmax", 50) == np.abs(values).max()
    for percentile in (50.0, 99.0, 99.99):
        assert threshold(histogram, "percentile", percentile) == pytest.approx(
            np.percentile(np.abs(values), percentile), abs=2 * histogram.width
        )
    assert threshold(histogram, "percentile", 100) == np.abs(values).max()
    # Zeros are values: nine in ten of these are 0.
    assert threshold(counted(np.repeat([0, 5], [90, 10]).astype(np.float32)), "percentile", 89) < 0.01


def published_entropy(counts: np.ndarray) -> int:
    """The method as it is written down, step by step."""
    best, least = counts.size, np.inf
    for kept in range(LEVELS, counts.size + 1):
        reference = counts[:kept].astype(float)
        reference[-1] += counts[kept:].sum()
        candidate = np.zeros(kept)
        for level in range(LEVELS):
            inside = [bin_ for bin_ in range(kept) if bin_ * LEVELS // kept == level]
            filled = [bin_ for bin_ in inside if counts[bin_]]
            for bin_ in filled:
                candidate[bin_] = counts[inside].sum() / len(filled)
        reference, candidate = reference / reference.sum(), candidate / candidate.sum()
        with np.errstate(divide="ignore", invalid="ignore"):
            terms = np.where(reference > 0, reference * np.log(reference / candidate), 0)
        if terms.sum() < least:
            best, least = kept, terms.sum()
    return int(best)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_entropy_is_the_published_method(seed: int) -> None:
    random = np.random.default_rng(seed)
    counts, _ = np.histogram(np.abs(random.standard_t(2, 4000)), 300, (0, 12))
    counts = counts[: np.flatnonzero(counts)[-1] + 1]
    assert entropy_bins(counts) == published_entropy(counts)
    assert entropy_bins(counts[:100]) == 100


def test_entropy_clips_a_heavy_tail_and_keeps_an_even_distribution() -> None:
    values = heavy_tailed()
    assert threshold(counted(values), "entropy", 50) < 0.5 * np.abs(values).max()
    even = np.random.default_rng(0).random(200_000, dtype=np.float32)
    assert threshold(counted(even), "entropy", 50) > 0.9


def squared_error(values: np.ndarray, limit: float) -> float:
    step = limit / STEPS
    return float(np.mean((values - np.clip(np.round(values / step), -STEPS, STEPS) * step) ** 2))


@pytest.mark.parametrize("seed", range(3))
def test_mse_minimises_the_error_of_the_values_themselves(seed: int) -> None:
    values = heavy_tailed(seed)
    chosen = threshold(counted(values), "mse", 50)
    largest = float(np.abs(values).max())
    least = min(squared_error(values, largest * part / 400) for part in range(4, 401))
    assert squared_error(values, chosen) <= 1.02 * least
    assert squared_error(values, largest) > 1.5 * least


@pytest.mark.slow
def test_the_integral_is_that_of_the_squared_error() -> None:
    limit, fine = 1.7, np.linspace(0, 3, 300_001)
    middles = (fine[1:] + fine[:-1]) / 2
    step = limit / STEPS
    errors = (middles - np.minimum(np.round(middles / step), STEPS) * step) ** 2
    assert _squares(fine, limit)[1:] == pytest.approx(np.cumsum(errors) * (fine[1] - fine[0]), rel=1e-4, abs=1e-12)
