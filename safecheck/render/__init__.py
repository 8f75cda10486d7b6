"""What is written about results. Every writer is a pure function of the result, and of nothing else.

To add a format for a kind of result: `render/<kind>/<format>.py` with `document(result)`, and its name in the table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from safecheck.render.line import Line


@dataclass(frozen=True, slots=True)
class Stream:
    """A text as it is, in pieces: as a whole it may not fit into memory. It is gone through once."""

    pieces: Iterable[str]


Document = str | Stream | Iterable[Line]
"""A text as it is, or lines which a terminal wraps and colours."""


def _writer(kind: str, name: str) -> Callable[[Any], Document]:
    def write(result: Any) -> Document:
        document: Callable[[Any], Document] = import_module(f"safecheck.render.{kind}.{name}").document
        return document(result)

    return write


RENDERERS: Mapping[str, Mapping[str, Callable[[Any], Document]]] = {
    kind: {name: _writer(kind, name) for name in formats.split()}
    for kind, formats in {
        "attest": "intoto cyclonedx",
        "audit": "text json jsonl html sarif junit markdown gitlab",  # a build is an audit with the builder's answer
        "bench": "text json",
        "compare": "text json html markdown",
        "diff": "text json",
        "evidence": "html",
        "fix": "text json html",
        "graph": "graphml dot json mermaid",
        "kept": "text json jsonl",
        "model": "graph",
        "plan": "text json",
        "quantize": "text json",
        "rule": "text",
        "rule_counts": "text json",
        "rules": "text json",
        "selftest": "text json csv",
        "tool": "cyclonedx",
        "verify": "text json",
    }.items()
}
"""Kind of result -> format -> what writes it; imported when asked for, for nobody pays for what is not written."""


def pieces(document: Document) -> Iterable[str]:
    """The text piece by piece, without colours."""
    if isinstance(document, str):
        return (document,)
    return document.pieces if isinstance(document, Stream) else (f"{line.text}\n" for line in document)


def plain(document: Document) -> str:
    """The whole text, without colours."""
    return "".join(pieces(document))
