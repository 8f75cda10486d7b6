"""Sums at places that are fixed: a scatter that adds, as a map along as few axes as possible."""

from __future__ import annotations

from math import prod
from typing import Any

from safecheck.rewrite.algebra.axis_map import MAX_ENTRIES, AxisMap


def sums_at(targets: Any, made: tuple[int, ...]) -> AxisMap | None:
    """Every element is added to the result of a number: along as few axes as tell the numbers apart."""
    import numpy

    dims, whole = targets.shape, prod(made)
    shared = min(len(dims), len(made))
    lead = next(
        (n for n in range(shared - 1, 0, -1) if dims[:n] == made[:n] and _outer(targets, prod(dims[:n]), whole)), 0
    )
    shared -= lead
    tail = next((n for n in range(shared - 1, 0, -1) if dims[-n:] == made[-n:] and _inner(targets, prod(dims[-n:]))), 0)
    inside, outside = dims[lead : len(dims) - tail], made[lead : len(made) - tail]
    if prod(inside) * prod(outside) > MAX_ENTRIES:
        return None
    step = prod(made[len(made) - tail :])
    rows = targets.reshape(prod(dims[:lead]), -1)[0].reshape(-1, step)[:, 0] // step
    matrix = numpy.zeros((prod(outside), prod(inside)))
    matrix[rows, numpy.arange(prod(inside))] = 1
    return AxisMap(lead, len(inside), outside, matrix)


def _outer(targets: Any, count: int, whole: int) -> bool:
    """Whether each of `count` parts adds to a part of the result of its own, all alike."""
    import numpy

    parts = targets.reshape(count, -1)
    return (
        bool((parts == parts[0] + numpy.arange(count)[:, None] * (whole // count)).all())
        and int(parts[0].max(initial=0)) < whole // count
    )


def _inner(targets: Any, count: int) -> bool:
    """Whether `count` neighbours are always added to neighbours."""
    import numpy

    runs = targets.reshape(-1, count)
    return bool((runs == runs[:, :1] + numpy.arange(count)).all()) and bool((runs[:, 0] % count == 0).all())
