"""Random networks are rewritten to what they were. `benchmarks/random_fix.py` asks this of thousands."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

from random_fix import outcome

_WRITTEN = {"rewritten", "left alone"}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("seeds", [range(1065, 1085), pytest.param(range(200), marks=pytest.mark.slow)])
def test_random_networks(seeds: range, tmp_path: Path) -> None:
    """Six of the first twenty were written wrong before infinities, defaults and conversions were looked at."""
    counts: Counter[str] = Counter()
    for seed in seeds:
        word, problem = outcome(seed, tmp_path)
        counts[word] += 1
        assert not problem, f"{seed}: {problem}"
    assert counts["rewritten"] > len(seeds) / 2
    assert set(counts) <= {
        *_WRITTEN,
        "no valid network",
        "not compared",
        "refused SC-FIX-OPSET",
        "refused SC-FIX-PROOF",
    }
