"""The comparison as Markdown tables; every cell is text, whatever a model's name tries to be."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from safecheck.render.compare.tables import names, tables
from safecheck.render.markdown_text import inert
from safecheck.usecases.compare import Contrast


def document(contrast: Contrast) -> str:
    """A heading and a table for everything that is compared."""
    return "\n".join(_lines(contrast)) + "\n"


def _lines(contrast: Contrast) -> Iterator[str]:
    yield "# Models compared by safecheck"
    for model in contrast.models:
        if model.error:
            yield ""
            yield f"Not read: {inert(model.error)}"
    for table in tables(contrast):
        yield ""
        yield f"## {inert(table.title)}"
        if table.note:
            yield ""
            yield inert(table.note)
        yield ""
        yield _row("", names(contrast))
        yield "|---|" + "---:|" * len(contrast.models)
        for row in table.rows:
            yield _row(row.label, row.cells)


def _row(label: str, cells: Sequence[str]) -> str:
    return "| " + " | ".join(inert(text) for text in (label, *cells)) + " |"
