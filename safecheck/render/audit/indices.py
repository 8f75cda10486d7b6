"""Nodes named by their indices: `0-95, 128`, and apart for every nested graph and function."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from safecheck.finding import Location
from safecheck.text import printable

_SCOPE = 90


def spans(indices: Iterable[int]) -> Iterator[tuple[int, int]]:
    """First and last of every run of neighbours; the indices rise."""
    first = last = None
    for index in indices:
        if first is None or last is None:
            first = last = index
        elif index == last + 1:
            last = index
        else:
            yield first, last
            first = last = index
    if first is not None and last is not None:
        yield first, last


def words(locations: Iterable[Location], most: int | None = None) -> str:
    """`0-95, 128; in then_branch of 7: 0, 2`, at most so many runs; the places stand in the order of the file."""
    by_scope: dict[str, list[int]] = {}
    for location in locations:
        if location.index is not None:
            by_scope.setdefault(location.scope, []).append(location.index)
    found, left = [], 0
    for scope, indices in by_scope.items():
        runs = [str(one) if one == last else f"{one}-{last}" for one, last in spans(sorted(set(indices)))]
        room = len(runs) if most is None else max(0, most)
        if most is not None:
            most -= len(runs[:room])
        left += len(runs[room:])
        if runs[:room]:
            found.append((f"in {printable(scope, _SCOPE)}: " if scope else "") + ", ".join(runs[:room]))
    return "; ".join(found) + (f" and {left} more runs" if left else "")
