"""The table of a fleet for spreadsheets."""

from __future__ import annotations

from safecheck.render.csv_text import table
from safecheck.usecases.fleet import Fleet, Row

HEADS = (*Row._fields, "fix_may_free")


def document(fleet: Fleet) -> str:
    """A row for each model and target."""
    return table(HEADS, ((*row, row.fix_may_free) for row in fleet.rows))
