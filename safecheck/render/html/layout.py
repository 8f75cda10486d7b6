"""Where the boxes and arrows of a diagram stand on paper: layers one below the other, laid out by networkx.

Where that would be wider than long, the layers stand beside each other: a page is narrow, on paper and on a telephone.
"""

from __future__ import annotations

from typing import NamedTuple

import networkx as nx

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
    graph: nx.DiGraph[int] = nx.DiGraph()
    graph.add_nodes_from(range(len(diagram.boxes)))
    graph.add_edges_from(diagram.arrows)
    for box, layer in _layers(diagram, graph).items():
        graph.nodes[box]["layer"] = layer
    letters = max((max(len(box.label) + 2, len(box.shape)) for box in diagram.boxes), default=0)
    width = max(_LEAST_WIDTH, round(letters * _LETTER + 12))
    ranks = {box: round(float(rank) * 2) for box, rank in _ranks(graph).items()}
    least = min(ranks.values(), default=0)
    first = min((graph.nodes[box]["layer"] for box in graph), default=0)
    grid = {box: ((ranks[box] - least) / 2, graph.nodes[box]["layer"] - first) for box in graph}
    beside = max((rank for rank, _ in grid.values()), default=0) > max((layer for _, layer in grid.values()), default=0)
    spots = {
        box: (
            _MARGIN + (layer if beside else rank) * (width + _GAP),
            _MARGIN + (rank if beside else layer) * (_HEIGHT + _GAP),
        )
        for box, (rank, layer) in grid.items()
    }
    bump = any(graph.nodes[end]["layer"] - graph.nodes[start]["layer"] > 1 for start, end in diagram.arrows)
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


def _layers(diagram: Diagram, graph: nx.DiGraph[int]) -> dict[int, int]:
    """The longest way to a box; values from outside stand directly before their first reader."""
    layers = {box: layer for layer, found in enumerate(nx.topological_generations(graph)) for box in found}
    for box, drawn in enumerate(diagram.boxes):
        if drawn.kind == "outside" and graph.out_degree(box):
            layers[box] = min(layers[reader] for reader in graph.successors(box)) - 1
    return layers


def _ranks(graph: nx.DiGraph[int]) -> dict[int, float]:
    """Where a box stands within its layer, by the layout of networkx: in steps of one around zero."""
    if not graph:
        return {}
    found = nx.multipartite_layout(graph, subset_key="layer", align="horizontal", scale=1)
    layers: dict[int, list[int]] = {}
    for box in graph:
        layers.setdefault(graph.nodes[box]["layer"], []).append(box)
    # The layout is scaled to fit a square; two boxes of one layer tell by how much.
    factor = next((abs(float(found[pair[0]][0] - found[pair[1]][0])) for pair in layers.values() if len(pair) > 1), 1.0)
    return {box: float(x) / factor for box, (x, _) in found.items()}


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
