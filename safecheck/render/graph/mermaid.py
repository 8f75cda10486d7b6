"""The audited graph as a Mermaid flowchart, which forges draw in Markdown. For parts of a graph: it has limits."""

from __future__ import annotations

import re

from safecheck.ir.topology import Graph
from safecheck.render.graph.look import LOOKS, label

_PLAIN = re.compile(r"[A-Za-z0-9 _.,:/?-]")
"""Everything else in a text could be syntax somewhere, and is written as its number."""


def document(graph: Graph) -> str:
    """A flowchart from top to bottom; nodes are numbered, for an id in a model may be a word of Mermaid."""
    numbers = {node: f"n{number}" for number, node in enumerate(graph)}
    lines = ["flowchart TB"]
    for node, attributes in graph.nodes(data=True):
        left, right = LOOKS[attributes["verdict"]].mermaid
        text = "<br>".join(map(_escaped, label(node, attributes)))
        lines.append(f'  {numbers[node]}{left}"{text}"{right}:::{attributes["verdict"]}')
    for source, end, attributes in graph.edges(data=True):
        arrow = "-.->" if attributes["kind"] == "holds" else f'-->|"{_escaped(attributes["shape"])}"|'
        lines.append(f"  {numbers[source]} {arrow} {numbers[end]}")
    for verdict, look in LOOKS.items():
        lines.append(f"  classDef {verdict} fill:{look.fill},stroke:{look.line},color:#000")
    return "\n".join(lines) + "\n"


def _escaped(text: str) -> str:
    return "".join(sign if _PLAIN.match(sign) else f"#{ord(sign)};" for sign in text)
