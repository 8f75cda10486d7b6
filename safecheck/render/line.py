"""A line of a report for people."""

from __future__ import annotations

from typing import NamedTuple


class Line(NamedTuple):
    """One line of the report; how it is coloured and wrapped is the terminal's business."""

    text: str
    style: str = ""
    """`good`, `bad`, `open`, `strong`, `quiet` or empty."""
