"""What could stand in the place of a node that is not allowed. A value; who works it out is above the report."""

from __future__ import annotations

from typing import NamedTuple

from safecheck.ir.excerpt import Diagram


class Alternative(NamedTuple):
    """A permitted way to compute the same, as `fix` would write it."""

    rewrite: str
    diagram: Diagram
