"""Lines of a report for people."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple


class Line(NamedTuple):
    """One line of the report; how it is coloured and wrapped is the terminal's business."""

    text: str
    style: str = ""
    """`good`, `bad`, `open`, `strong`, `quiet` or empty."""


def joined(parts: Iterable[tuple[Iterable[Line], Line]]) -> Iterator[Line]:
    """The whole text of a run: what is said about each model, then the verdict of each in one line."""
    verdicts = []
    for number, (lines, verdict) in enumerate(parts):
        if number:
            yield Line("")
        yield from lines
        verdicts.append(verdict)
    yield Line("")
    yield from verdicts
