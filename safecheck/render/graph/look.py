"""How a node looks: its verdict told by words and shape as well as by colour."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Look(NamedTuple):
    """What a verdict looks like."""

    fill: str
    line: str
    dot: str
    """Shape in Graphviz."""
    yed: str
    """Shape in yEd."""
    mermaid: tuple[str, str]
    """What stands around a label in Mermaid."""


LOOKS = {
    "allowed": Look("#e3f1e5", "#1a7f37", "box", "rectangle", ("[", "]")),
    "deviated": Look("#e4ecf7", "#0b6a9c", "component", "parallelogram", ("[[", "]]")),
    "unproven": Look("#fbf1d5", "#855800", "ellipse", "ellipse", ("([", "])")),
    "forbidden": Look("#f9dcdc", "#b42318", "octagon", "octagon", ("{{", "}}")),
}
"""Verdict on a node -> its look; text is black on every fill."""


def label(node: str, attributes: Mapping[str, str | int]) -> list[str]:
    """The lines inside a node: operator and place, its name, and what is wrong with it."""
    verdict, rules = str(attributes["verdict"]), str(attributes["rules"])
    lines = [f"{attributes['op_type']} {node}", str(attributes["name"])]
    if verdict != "allowed":
        lines.append(f"{verdict}: {rules.replace(' ', ', ')}")
    return [line for line in lines if line]
