"""A table for spreadsheets (RFC 4180): no cell begins like a formula, whoever chose its text."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

from safecheck.text import printable

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What spreadsheets take for the beginning of a formula (OWASP, CSV Injection)."""


def table(heads: Sequence[str], rows: Iterable[Iterable[object]]) -> str:
    """A line of heads, then the rows; truth is `yes` or `no`, numbers stay, several texts are one with spaces."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(heads)
    writer.writerows([_cell(value) for value in row] for row in rows)
    return text.getvalue()


def _cell(value: object) -> object:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return value
    shown = printable(" ".join(value) if isinstance(value, tuple) else str(value), 4096)
    return f"'{shown}" if shown.startswith(_FORMULA) else shown
