"""The comparison for a terminal of 80 columns: tables with at most as many models side by side as fit."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

from safecheck.render.compare.tables import Table, names, tables
from safecheck.usecases.compare import Contrast

_WIDTH = 80
_LABEL = 28
_LEAST = 12


def document(contrast: Contrast) -> str:
    """All tables, and what could not be read."""
    return "".join(f"{line}\n" for line in _lines(contrast))


def _lines(contrast: Contrast) -> Iterator[str]:
    for model in contrast.models:
        if model.error:
            yield from textwrap.wrap(f"not read: {model.error}", _WIDTH)
    heads = names(contrast)
    for number, table in enumerate(tables(contrast)):
        if number:
            yield ""
        yield table.title
        yield from textwrap.wrap(table.note, _WIDTH, initial_indent="  ", subsequent_indent="  ")
        side_by_side = max(1, (_WIDTH - _LABEL) // _LEAST)
        for first in range(0, len(heads), side_by_side):
            yield from _block(table, heads, range(first, min(first + side_by_side, len(heads))))


def _block(table: Table, heads: Sequence[str], columns: range) -> Iterator[str]:
    width = (_WIDTH - _LABEL) // len(columns)
    yield from _row("", [heads[column] for column in columns], width)
    for row in table.rows:
        yield from _row(row.label, [row.cells[column] for column in columns], width)


def _row(label: str, cells: Sequence[str], width: int) -> Iterator[str]:
    """A row, its cells wrapped; nothing is cut off."""
    indent = " " * (len(label) - len(label.lstrip()))
    parts = [textwrap.wrap(label.strip(), _LABEL - 1 - len(indent)) or [""]]
    parts += [textwrap.wrap(cell, width - 1) or [""] for cell in cells]
    for line in range(max(map(len, parts))):
        first, *rest = (part[line] if line < len(part) else "" for part in parts)
        yield (f"{indent}{first}".ljust(_LABEL) + "".join(text.rjust(width - 1) + " " for text in rest)).rstrip()
