"""Reports as text for people and programs. Every format is a pure function of the reports."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from safecheck.report import Report


def _text(reports: Sequence[Report]) -> str:
    from safecheck.render.text import lines

    return "".join(f"{line.text}\n" for line in lines(reports))


def _json(reports: Sequence[Report]) -> str:
    from safecheck.render.json import document

    return document(reports)


def _html(reports: Sequence[Report]) -> str:
    from safecheck.render.html import document

    return document(reports)


RENDERERS: dict[str, Callable[[Sequence[Report]], str]] = {"text": _text, "json": _json, "html": _html}
