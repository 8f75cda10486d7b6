"""What `fix` would make of a model, before any proof. Values only; who works it out is above the report."""

from __future__ import annotations

from safecheck.cost.price import Price
from safecheck.finding import ModelVerdict
from safecheck.values import dataclass


@dataclass(frozen=True, slots=True)
class Plan:
    """The model as rewriting would leave it, or why nobody knows."""

    forbidden: int = 0
    """Nodes of the rewritten model."""
    unproven: int = 0
    verdict: ModelVerdict | None = None
    """On the rewritten model; None of one that no file can hold in one piece, and where there is none."""
    before: Price | None = None
    """What the model costs as it is; None if a size is not known, and so is the other."""
    after: Price | None = None
    problem: str = ""
    """Why there is no plan; empty if there is one."""
