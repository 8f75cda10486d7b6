"""The audited graph as JSON: node-link data, which networkx and most programs for graphs read."""

from __future__ import annotations

import networkx as nx

from safecheck.ir.topology import Graph
from safecheck.render.json_text import dumped


def document(graph: Graph) -> str:
    """`{"directed", "multigraph", "graph", "nodes", "edges"}`; for `networkx.node_link_graph`."""
    return dumped(nx.node_link_data(graph, edges="edges"))
