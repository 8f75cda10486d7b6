"""What is written about results. Every writer is a pure function of the result, and of nothing else.

To add a format for a kind of result: `render/<kind>/<format>.py` with `document(result)`, and its name in the table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from typing import Any

from safecheck.render.line import Line

Document = str | Iterable[Line]
"""A text as it is, or lines which a terminal wraps and colours."""


def _writer(kind: str, name: str) -> Callable[[Any], Document]:
    def write(result: Any) -> Document:
        document: Callable[[Any], Document] = import_module(f"safecheck.render.{kind}.{name}").document
        return document(result)

    return write


RENDERERS: Mapping[str, Mapping[str, Callable[[Any], Document]]] = {
    kind: {name: _writer(kind, name) for name in formats.split()}
    for kind, formats in {
        # a build is an audit with the builder's answer
        "audit": "text concise statistics json html sarif junit markdown gitlab",
        "bench": "text json",
        "compare": "text json html markdown",
        "diff": "text json",
        "fix": "text json html",
        "graph": "graphml dot json mermaid",
        "kept": "text concise json",
        "plan": "text json",
        "profiles": "text json",
        "quantize": "text json",
        "rule": "text",
        "rule_counts": "text json",
        "rules": "text json",
        "selftest": "text json",
    }.items()
}
"""Kind of result -> format -> what writes it; imported when asked for, for nobody pays for what is not written."""


def plain(document: Document) -> str:
    """The whole text, without colours."""
    return document if isinstance(document, str) else "".join(f"{line.text}\n" for line in document)
