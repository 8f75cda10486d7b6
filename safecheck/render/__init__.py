"""What is written about results. Every writer is a pure function of the result, and of nothing else.

To add a format for a kind of result: `render/<kind>/<format>.py` with `document(result)`, and its name in the table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from typing import Any

from safecheck.render.line import Line
from safecheck.values import dataclass


@dataclass(frozen=True, slots=True)
class Stream:
    """A text as it is, in pieces: as a whole it may not fit into memory. It is gone through once."""

    pieces: Iterable[str]


Document = str | Stream | bytes | Iterable[Line]
"""A text as it is, a file that is no text, or lines which a terminal wraps and colours."""


def _writer(kind: str, name: str) -> Callable[[Any], Document]:
    def write(result: Any) -> Document:
        document: Callable[[Any], Document] = import_module(f"safecheck.render.{kind}.{name}").document
        return document(result)

    return write


RENDERERS: Mapping[str, Mapping[str, Callable[[Any], Document]]] = {
    kind: {name: _writer(kind, name) for name in formats.split()}
    for kind, formats in {
        "attest": "intoto cyclonedx",
        # a build is an audit with the builder's answer
        "audit": "text concise statistics json jsonl html sarif junit markdown gitlab",
        "bench": "text json",
        "compare": "text json html markdown",
        "diff": "text json",
        "evidence": "html",
        "fix": "text json html",
        "fleet": "text csv json html parquet",
        "graph": "graphml dot json mermaid",
        "kept": "text concise json jsonl",
        "model": "graph",
        "plan": "text json",
        "profiles": "text json",
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
    if isinstance(document, bytes):
        raise TypeError("this is no text")
    return document.pieces if isinstance(document, Stream) else (f"{line.text}\n" for line in document)


def handed_on(document: Document) -> Document:
    """The same, made as a whole: another process can show it."""
    return document if isinstance(document, str | Stream | bytes) else list(document)


def plain(document: Document) -> str:
    """The whole text, without colours."""
    return "".join(pieces(document))
