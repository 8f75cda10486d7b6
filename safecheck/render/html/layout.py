"""Where the boxes and arrows of a diagram stand on paper: layers from left to right, laid out by networkx."""

from __future__ import annotations

from typing import NamedTuple

import networkx as nx

from safecheck.ir.excerpt import Box, Diagram

_WIDTH, _HEIGHT = 118, 36
_ACROSS, _DOWN = 148, 52
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
    box_width: int = _WIDTH
    box_height: int = _HEIGHT


def drawing(diagram: Diagram) -> Drawing:
    """Place the boxes of a diagram; equal diagrams give equal drawings."""
    graph: nx.DiGraph[int] = nx.DiGraph()
    graph.add_nodes_from(range(len(diagram.boxes)))
    graph.add_edges_from(diagram.arrows)
    for box, layer in _layers(diagram, graph).items():
        graph.nodes[box]["layer"] = layer
    rows = {box: round(float(y) * 2) for box, (_, y) in _positions(graph).items()}
    top = min(rows.values(), default=0)
    left = min((graph.nodes[box]["layer"] for box in graph), default=0)
    spots = {
        box: (_MARGIN + (graph.nodes[box]["layer"] - left) * _ACROSS, _MARGIN + (rows[box] - top) * _DOWN / 2)
        for box in graph
    }
    bump = any(graph.nodes[end]["layer"] - graph.nodes[start]["layer"] > 1 for start, end in diagram.arrows)
    return Drawing(
        width=max((x for x, _ in spots.values()), default=0) + _WIDTH + _MARGIN,
        height=max((y for _, y in spots.values()), default=0) + _HEIGHT + _MARGIN + (_HEIGHT / 2 if bump else 0),
        boxes=tuple(Placed(box, *spots[position]) for position, box in enumerate(diagram.boxes)),
        paths=tuple(_path(spots[start], spots[end]) for start, end in diagram.arrows),
        words=diagram.words,
        hidden=diagram.hidden,
    )


def _layers(diagram: Diagram, graph: nx.DiGraph[int]) -> dict[int, int]:
    """The longest way to a box; values from outside stand directly before their first reader."""
    layers = {box: layer for layer, found in enumerate(nx.topological_generations(graph)) for box in found}
    for box, drawn in enumerate(diagram.boxes):
        if drawn.kind == "outside" and graph.out_degree(box):
            layers[box] = min(layers[reader] for reader in graph.successors(box)) - 1
    return layers


def _positions(graph: nx.DiGraph[int]) -> dict[int, tuple[float, float]]:
    """The layout of networkx by layers, in rows of height one around zero."""
    if not graph:
        return {}
    found = nx.multipartite_layout(graph, subset_key="layer", align="vertical", scale=1)
    layers: dict[int, list[int]] = {}
    for box in graph:
        layers.setdefault(graph.nodes[box]["layer"], []).append(box)
    # The layout is scaled to fit a square; two boxes of one layer tell by how much.
    factor = next((abs(float(found[pair[0]][1] - found[pair[1]][1])) for pair in layers.values() if len(pair) > 1), 1.0)
    return {box: (float(x), float(y) / factor) for box, (x, y) in found.items()}


def _path(start: tuple[float, float], end: tuple[float, float]) -> str:
    """From the right edge of one box to the left edge of the next; longer ways go below what is between."""
    x1, y1 = start[0] + _WIDTH, start[1] + _HEIGHT / 2
    x2, y2 = end[0] - 1, end[1] + _HEIGHT / 2
    middle = (x1 + x2) / 2
    if x2 - x1 < _ACROSS and x2 > x1:
        return f"M{x1:g} {y1:g}C{middle:g} {y1:g} {middle:g} {y2:g} {x2:g} {y2:g}"
    below = max(y1, y2) + _HEIGHT * 0.95
    x1, y1, y2 = x1 - _WIDTH / 2, start[1] + _HEIGHT, end[1] + _HEIGHT
    x2 = end[0] + _WIDTH / 2
    return f"M{x1:g} {y1:g}C{x1:g} {below:g} {x2:g} {below:g} {x2:g} {y2 + 1:g}"
