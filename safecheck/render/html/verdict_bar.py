"""The compliance strip: the whole network in the order of its nodes, one row for a stage."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

from safecheck.audit.report import Report
from safecheck.ir.stages import stages

COLUMNS = 360
_ORDER = ("allowed", "deviated", "unproven", "forbidden")
"""Several nodes share a column of a long row: it shows the worst of them."""
_TICKS = 4
"""Pieces that the scale of a row is cut into."""
_RISE = {"allowed": 8, "deviated": 14, "unproven": 16, "forbidden": 24}
"""Height tells the verdict as well as colour does."""


class Run(NamedTuple):
    """Neighbouring columns with the same verdict."""

    kind: str
    x: float
    width: float
    y: int
    height: int


class Row(NamedTuple):
    """One stage."""

    title: str
    first: int
    last: int
    counts: tuple[tuple[str, int], ...]
    runs: tuple[Run, ...]
    ticks: tuple[int, ...]
    """Indices of nodes at equal distances along the row, its first and its last among them."""


def rows(report: Report) -> list[Row]:
    """The main graph stage by stage, then what nested graphs and functions hold."""
    if report.model is None or report.audit is None:
        return []
    kinds = report.node_kinds
    scope = report.model.graph.scopes[0]
    main = len(scope.nodes)
    found = [
        _row(
            f"stage {number}: {stage.shape}" if stage.shape else "main graph",
            stage.first,
            kinds[stage.first : stage.end],
        )
        for number, stage in enumerate(stages(scope, partial(report.audit.signatures.lookup, scope)), 1)
    ]
    if len(kinds) > main:
        found.append(_row("nested graphs and functions", main, kinds[main:]))
    return [row for row in found if row.counts]


def _row(title: str, first: int, kinds: Sequence[str]) -> Row:
    columns = min(COLUMNS, len(kinds))
    worst = [
        max(kinds[len(kinds) * column // columns : len(kinds) * (column + 1) // columns], key=_ORDER.index)
        for column in range(columns)
    ]
    runs: list[Run] = []
    width = COLUMNS / max(1, columns)
    for column, kind in enumerate(worst):
        if runs and runs[-1].kind == kind:
            runs[-1] = runs[-1]._replace(width=round((column + 1) * width - runs[-1].x, 2))
        else:
            runs.append(Run(kind, round(column * width, 2), round(width, 2), 24 - _RISE[kind], _RISE[kind]))
    counts = tuple((kind, kinds.count(kind)) for kind in _ORDER if kind in kinds)
    last = first + len(kinds) - 1
    steps = min(_TICKS, last - first)
    ticks = tuple(first + (last - first) * step // max(1, steps) for step in range(steps + 1))
    return Row(title, first, last, counts, tuple(runs), ticks)
