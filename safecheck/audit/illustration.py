"""What a page draws beside the findings, as values; who works it out is above the report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from safecheck.finding import Finding
from safecheck.ir.excerpt import Diagram
from safecheck.values import dataclass, field


class Alternative(NamedTuple):
    """A permitted way to compute the same, as `fix` would write it."""

    rewrite: str
    diagram: Diagram


class Picture(NamedTuple):
    """One neighbourhood, and the finding it was drawn for."""

    rule: str
    finding: Finding
    diagram: Diagram


@dataclass(frozen=True, slots=True)
class Illustration:
    """The pictures of a report."""

    drawn: tuple[Picture, ...] = ()
    shown_by: Mapping[str, int] = field(default_factory=dict)
    """Fingerprint of a finding -> position of the picture of its place."""
    similar: Mapping[tuple[str, str], int] = field(default_factory=dict)
    """Rule and operator -> position of a picture, for places that look like none of those drawn."""
    alternatives: Mapping[int, Alternative] = field(default_factory=dict)
    """What could stand in the place of nodes of the main graph, by index; only where somebody asked."""
    problem: str = ""
    """Why nobody knows what could stand there; empty where that is known, or nobody asked."""
