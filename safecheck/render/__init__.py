"""Reports as text for people and programs. Every format is a pure function of the reports."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # a verdict that was kept is shown without knowing what a report is
    from safecheck.audit.report import Report

FORMATS = ("text", "json", "html", "sarif", "junit", "markdown", "gitlab")
"""Every format is the function `document` of the module of its name."""


def _renderer(name: str) -> Callable[[Sequence[Report]], str]:
    def render(reports: Sequence[Report]) -> str:
        document: Callable[[Sequence[Report]], str] = import_module(f"safecheck.render.audit.{name}").document
        return document(reports)

    return render


RENDERERS = {name: _renderer(name) for name in FORMATS}
"""Format -> what writes it; imported when asked for, for an audit in one format does not pay for the others."""
