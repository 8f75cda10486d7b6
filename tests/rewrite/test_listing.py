"""The change of a node list is the one that difflib finds."""

from __future__ import annotations

import difflib
import random
from collections.abc import Sequence

import pytest

from safecheck.rewrite.listing import unified_diff


def found_by_difflib(before: Sequence[str], after: Sequence[str]) -> list[str]:
    return list(difflib.unified_diff(before, after, "before", "after", lineterm="", n=1))


@pytest.mark.parametrize("seed", range(200))
def test_lines_that_go_and_come(seed: int) -> None:
    draw = random.Random(seed)
    before = [f"node {number}" for number in range(draw.randint(0, 30))]
    after = [line if draw.random() < 0.7 else f"new {line}" for line in before if draw.random() < 0.8]
    assert list(unified_diff(before, after)) == found_by_difflib(before, after)


@pytest.mark.parametrize("seed", range(50))
def test_lines_that_overtake_each_other_or_occur_twice(seed: int) -> None:
    draw = random.Random(seed)
    before = [f"node {draw.randint(0, 20)}" for _ in range(20)]
    after = draw.sample(before, 15)
    assert list(unified_diff(before, after)) == found_by_difflib(before, after)


def test_nothing_changed() -> None:
    assert list(unified_diff(["a", "b"], ["a", "b"])) == []
