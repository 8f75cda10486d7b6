"""The table of a fleet for spreadsheets: no cell that comes from a model begins like a formula."""

from __future__ import annotations

import csv
import io

from safecheck.text import printable
from safecheck.usecases.fleet import Fleet, Row

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What spreadsheets take for the beginning of a formula (OWASP, CSV Injection)."""
HEADS = (*Row._fields, "fix_may_free")


def document(fleet: Fleet) -> str:
    """RFC 4180, with a line of heads."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(HEADS)
    writer.writerows([_cell(value) for value in (*row, row.fix_may_free)] for row in fleet.rows)
    return text.getvalue()


def _cell(value: object) -> object:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return value
    shown = printable(" ".join(value) if isinstance(value, tuple) else str(value), 4096)
    return f"'{shown}" if shown.startswith(_FORMULA) else shown
