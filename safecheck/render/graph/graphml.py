"""The audited graph as GraphML: all attributes, and label, colour and shape as yEd writes them."""

from __future__ import annotations

from xml.etree.ElementTree import Element, SubElement

import networkx as nx

from safecheck.ir.topology import Graph
from safecheck.render.graph.look import LOOKS, Look, label

_YED = "http://www.yworks.com/xml/graphml"
_KEY = "graphics"
_LINE, _LETTER, _MARGIN = 16, 7, 16
"""Pixels that a label takes up."""


def document(graph: Graph) -> str:
    """A file that networkx, yEd and Gephi read. The texts of a graph hold no character that XML cannot."""
    writer = nx.GraphMLWriter(graph)
    writer.xml.set("xmlns:y", _YED)
    writer.xml.insert(0, Element("key", {"id": _KEY, "for": "node", "yfiles.type": "nodegraphics"}))
    for element in writer.xml.iter("node"):
        attributes = graph.nodes[element.attrib["id"]]
        data = SubElement(element, "data", {"key": _KEY})
        data.append(_drawn(LOOKS[attributes["verdict"]], label(element.attrib["id"], attributes)))
    return f"{writer}\n"


def _drawn(look: Look, lines: list[str]) -> Element:
    node = Element("y:ShapeNode")
    width, height = _LETTER * max(map(len, lines)) + _MARGIN, _LINE * len(lines) + _MARGIN
    SubElement(node, "y:Geometry", {"x": "0", "y": "0", "width": str(width), "height": str(height)})
    SubElement(node, "y:Fill", {"color": look.fill})
    SubElement(node, "y:BorderStyle", {"color": look.line, "type": "line", "width": "1.0"})
    SubElement(node, "y:NodeLabel").text = "\n".join(lines)
    SubElement(node, "y:Shape", {"type": look.yed})
    return node
