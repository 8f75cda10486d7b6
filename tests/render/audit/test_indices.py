"""Nodes named by runs of indices: nothing is lost, nothing is added."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from safecheck.finding import Location
from safecheck.render.audit.indices import spans, words


def _at(index: int, scope: str = "") -> Location:
    return Location(scope, index, "", "Relu", "", ())


def test_neighbours_are_one_run_and_every_graph_is_apart() -> None:
    places = [_at(0), _at(1), _at(2), _at(7), _at(0, "loop"), _at(3, "loop")]
    assert words(places) == "0-2, 7; in loop: 0, 3"
    assert words(places, 1) == "0-2 and 3 more runs"
    assert words([]) == ""


@given(indices=st.sets(st.integers(0, 60)))
def test_runs_hold_every_index_once_and_do_not_touch(indices: set[int]) -> None:
    runs = list(spans(sorted(indices)))
    assert sorted(index for first, last in runs for index in range(first, last + 1)) == sorted(indices)
    assert all(one[1] + 1 < other[0] for one, other in itertools.pairwise(runs))
