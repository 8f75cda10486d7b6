"""The audited graph as DOT, for Graphviz."""

from __future__ import annotations

from collections.abc import Mapping

from safecheck.ir.topology import Graph
from safecheck.render.graph.look import LOOKS, label

_NAMES = {"name": "onnx_name"}
"""Attributes that are called otherwise in DOT: pydot takes `name` for the id of a node."""


def document(graph: Graph) -> str:
    """A digraph with all attributes, and labels, shapes and colours by verdict; `dot -Tsvg` draws it."""
    lines = ["digraph {"]
    lines += [f"  {name}={_quoted(value)};" for name, value in graph.graph.items()]
    lines.append('  rankdir=TB; node [style=filled fontname="sans-serif"]; edge [fontname="sans-serif"];')
    for node, attributes in graph.nodes(data=True):
        look = LOOKS[attributes["verdict"]]
        drawn = {
            "label": _label(label(node, attributes)),
            "shape": look.dot,
            "fillcolor": look.fill,
            "color": look.line,
        }
        lines.append(f"  {_quoted(node)} [{_listed(attributes | drawn)}];")
    for source, end, attributes in graph.edges(data=True):
        held = attributes["kind"] == "holds"
        drawn = {"style": "dashed"} if held else {"label": _label([attributes["shape"]])}
        lines.append(f"  {_quoted(source)} -> {_quoted(end)} [{_listed(attributes | drawn)}];")
    return "\n".join([*lines, "}"]) + "\n"


def _listed(attributes: Mapping[str, str | int]) -> str:
    return " ".join(f"{_NAMES.get(name, name)}={_quoted(value)}" for name, value in attributes.items())


def _label(lines: list[str]) -> str:
    """Lines for a label, in which Graphviz would read entities; backslashes are doubled with the quotes."""
    return "\n".join(lines).replace("&", "&amp;")


def _quoted(value: str | int) -> str:
    r"""A text in quotes. A backslash is doubled, so that none makes an escape with what follows it."""
    text = str(value).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{text}"'
