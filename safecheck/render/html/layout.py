"""Where the boxes and arrows of a diagram stand on paper: layers one below the other, each in the middle.

Where that would be wider than long, the layers stand beside each other: a page is narrow, on paper and on a telephone.
"""

from __future__ import annotations

from graphlib import TopologicalSorter
from typing import NamedTuple

from safecheck.ir.excerpt import Box, Diagram

_LEAST_WIDTH, _HEIGHT = 100, 36
_GAP = 18
"""Between boxes; arrows need it between layers."""
_LETTER = 7.4
"""Width of a letter of a label, generously: a browser may draw another font."""
_MARGIN = 8


class Placed(NamedTuple):
    """A box with its upper left corner, in user units."""

    box: Box
    x: float
    y: float


class Drawing(NamedTuple):
    """A diagram ready to be drawn."""

    width: float
    height: float
    boxes: tuple[Placed, ...]
    paths: tuple[str, ...]
    """SVG path data of the arrows."""
    words: str
    hidden: int
    box_width: float = _LEAST_WIDTH
    box_height: int = _HEIGHT


def drawing(diagram: Diagram) -> Drawing:
    """Place the boxes of a diagram, wide enough for their names; equal diagrams give equal drawings."""
    at = _layers(diagram)
    letters = max((max(len(box.label) + 2, len(box.shape)) for box in diagram.boxes), default=0)
    width = max(_LEAST_WIDTH, round(letters * _LETTER + 12))
    layers: dict[int, list[int]] = {}
    for box in range(len(diagram.boxes)):
        layers.setdefault(at[box], []).append(box)
    first, widest = min(layers, default=0), max(map(len, layers.values()), default=0)
    grid = {
        box: ((widest - len(boxes)) / 2 + rank, layer - first)
        for layer, boxes in layers.items()
        for rank, box in enumerate(boxes)
    }
    beside = max((rank for rank, _ in grid.values()), default=0) > max((layer for _, layer in grid.values()), default=0)
    spots = {
        box: (
            _MARGIN + (layer if beside else rank) * (width + _GAP),
            _MARGIN + (rank if beside else layer) * (_HEIGHT + _GAP),
        )
        for box, (rank, layer) in grid.items()
    }
    bump = any(at[end] - at[start] > 1 for start, end in diagram.arrows)
    room = _GAP if bump else 0
    return Drawing(
        width=max((x for x, _ in spots.values()), default=0) + width + _MARGIN + (0 if beside else room),
        height=max((y for _, y in spots.values()), default=0) + _HEIGHT + _MARGIN + (room if beside else 0),
        boxes=tuple(Placed(box, *spots[position]) for position, box in enumerate(diagram.boxes)),
        paths=tuple(_path(spots[start], spots[end], width, beside) for start, end in diagram.arrows),
        words=diagram.words,
        hidden=diagram.hidden,
        box_width=width,
    )


def _layers(diagram: Diagram) -> dict[int, int]:
    """The longest way to a box; values from outside stand directly before their first reader."""
    makers: dict[int, list[int]] = {box: [] for box in range(len(diagram.boxes))}
    readers: dict[int, list[int]] = {box: [] for box in makers}
    for start, end in diagram.arrows:
        makers[end].append(start)
        readers[start].append(end)
    layers: dict[int, int] = {}
    for box in TopologicalSorter(makers).static_order():
        layers[box] = max((layers[maker] + 1 for maker in makers[box]), default=0)
    for box, drawn in enumerate(diagram.boxes):
        if drawn.kind == "outside" and readers[box]:
            layers[box] = min(layers[reader] for reader in readers[box]) - 1
    return layers


def _path(start: tuple[float, float], end: tuple[float, float], width: float, beside: bool) -> str:
    """From the edge of one box to the facing edge of the next; longer ways go past what is between."""
    if beside:  # the same with both axes exchanged
        return _curve(start[::-1], end[::-1], _HEIGHT, width, exchanged=True)
    return _curve(start, end, width, _HEIGHT, exchanged=False)


def _curve(start: tuple[float, float], end: tuple[float, float], across: float, along: float, exchanged: bool) -> str:
    """A curve downwards between boxes so many units wide `across` and long `along`."""
    x1, y1 = start[0] + across / 2, start[1] + along
    x2, y2 = end[0] + across / 2, end[1] - 1
    points = [(x1, y1), (x1, (y1 + y2) / 2), (x2, (y1 + y2) / 2), (x2, y2)]
    if not 0 < y2 - y1 <= _GAP:
        past = max(start[0], end[0]) + across + _GAP
        y1, y2 = start[1] + along / 2, end[1] + along / 2
        points = [(start[0] + across, y1), (past, y1), (past, y2), (end[0] + across + 1, y2)]
    first, *rest = (f"{y:g} {x:g}" if exchanged else f"{x:g} {y:g}" for x, y in points)
    return f"M{first}C{' '.join(rest)}"
