"""The pictures of a page, each drawn once and numbered in the order in which a reader meets them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from safecheck.audit.decision import Row
from safecheck.audit.illustration import Alternative, Illustration
from safecheck.finding import Finding, Location
from safecheck.render.audit.problems import operator
from safecheck.render.html.layout import Drawing, drawing
from safecheck.text import printable

_MENTIONED = 3
_NAME = 200


class Figure(NamedTuple):
    """A neighbourhood, what could stand there instead, and how many places look like it."""

    number: int
    title: str
    places: int
    now: Drawing
    rewrite: str
    instead: Drawing | None
    drawn_in: int
    """The number of the earlier figure that shows what could stand there; 0 if none does."""


class Figures:
    """What has been drawn so far. Numbers rise as figures are asked for."""

    def __init__(self, pictures: Illustration, findings: Sequence[Finding]) -> None:
        self._pictures = pictures
        self._numbers: dict[int, int] = {}
        """Position of a picture -> number of its figure."""
        self._instead: dict[Alternative, int] = {}
        """What could stand there -> number of the figure that shows it."""
        self._places: dict[int, set[Location]] = {}
        self._by_location: dict[Location, int] = {}
        for finding in findings:
            position = pictures.shown_by.get(finding.fingerprint)
            if position is not None:
                self._places.setdefault(position, set()).add(finding.location)
                self._by_location.setdefault(finding.location, position)

    def of_kind(self, row: Row) -> Figure | None:
        """The first place of a row that has a picture; None if none has, or it stands on the page already."""
        for location in row.where:
            position = self._by_location.get(location)
            if position is not None:
                if position in self._numbers:
                    return None
                words = f"{row.what}, {'the only place' if row.places == 1 else f'one of {row.places} places'}"
                return self._drawn(position, words)
        return None

    def first_of(self, findings: Iterable[Finding]) -> Iterator[Figure]:
        """Pictures of these findings that are not on the page yet."""
        for finding in findings:
            position = self._pictures.shown_by.get(finding.fingerprint)
            if position is not None and position not in self._numbers:
                yield self._drawn(position, operator(self._pictures.drawn[position].finding.location))

    def of(self, findings: Iterable[Finding]) -> tuple[int, ...]:
        """The first numbers of the figures that show these findings, or places like them."""
        found: dict[int, None] = {}
        for finding in findings:
            place = finding.location
            position = self._pictures.shown_by.get(finding.fingerprint)
            if position is None:
                position = self._pictures.similar.get((finding.rule, place.op_type))
            if position in self._numbers:
                found[self._numbers[position]] = None
        return tuple(sorted(found)[:_MENTIONED])

    def _drawn(self, position: int, words: str) -> Figure:
        number = self._numbers[position] = len(self._numbers) + 1
        picture = self._pictures.drawn[position]
        place = picture.finding.location
        other = None
        if not place.scope and place.index is not None:
            other = self._pictures.alternatives.get(place.index)
        shown = self._instead.setdefault(other, number) if other is not None else number
        name = printable(place.node, _NAME)
        return Figure(
            number=number,
            title=f"{words}, around node {place.index}" + (f", {name}" if name else ""),
            places=len(self._places.get(position, ())),
            now=drawing(picture.diagram),
            rewrite=other.rewrite if other is not None else "",
            instead=drawing(other.diagram) if other is not None and shown == number else None,
            drawn_in=shown if shown != number else 0,
        )
