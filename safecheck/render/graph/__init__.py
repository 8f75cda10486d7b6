"""The audited graph for other programs: GraphML, DOT, JSON and Mermaid, each the function `document` of its module."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from safecheck.ir.topology import Graph

FORMATS = ("graphml", "dot", "json", "mermaid")


def _renderer(name: str) -> Callable[[Graph], str]:
    def render(graph: Graph) -> str:
        document: Callable[[Graph], str] = import_module(f"safecheck.render.graph.{name}").document
        return document(graph)

    return render


RENDERERS = {name: _renderer(name) for name in FORMATS}
"""Format -> what writes it; imported when asked for."""
