"""Bring blocks into another order with transposes that a profile may restrict."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence

Order = tuple[int, ...]
_SEARCHED = 7
"""Up to this many blocks the shortest sequence is searched for; 7! orders take a tenth of a second."""


def blocks(order: Sequence[int]) -> list[list[int]]:
    """Runs of consecutive positions: what moves together need not be taken apart."""
    found: list[list[int]] = []
    for position in order:
        if found and found[-1][-1] + 1 == position:
            found[-1].append(position)
        else:
            found.append([position])
    return found


def tail_swaps(goal: Order) -> list[tuple[int, int]]:
    """Exchanges of two neighbouring groups at the end that turn 0, 1, 2, ... into `goal`.

    (i, j) turns `p[:i] + p[i:j] + p[j:]` into `p[:i] + p[j:] + p[i:j]`: as [1, P, X, Y] -> [1, P, Y, X] it is the one
    transpose that NVIDIA's CSA network uses. The shortest sequence up to seven blocks, else one exchange per block.
    """
    start = tuple(range(len(goal)))
    return _search(start, goal) if len(goal) <= _SEARCHED else _one_by_one(start, goal)


def _search(start: Order, goal: Order) -> list[tuple[int, int]]:
    came: dict[Order, tuple[Order, tuple[int, int]]] = {}
    queue = deque([start])
    while queue and goal not in came and goal != start:
        current = queue.popleft()
        for swap, following in _neighbours(current):
            if following not in came and following != start:
                came[following] = (current, swap)
                queue.append(following)
    path: list[tuple[int, int]] = []
    at = goal
    while at != start:
        at, swap = came[at]
        path.append(swap)
    return path[::-1]


def _neighbours(order: Order) -> Iterator[tuple[tuple[int, int], Order]]:
    count = len(order)
    for i in range(count - 1):
        for j in range(i + 1, count):
            yield (i, j), order[:i] + order[j:] + order[i:j]


def _one_by_one(start: Order, goal: Order) -> list[tuple[int, int]]:
    path = []
    order = start
    for i, wanted in enumerate(goal[:-1]):
        j = order.index(wanted)
        if j != i:
            path.append((i, j))
            order = order[:i] + order[j:] + order[i:j]
    return path
