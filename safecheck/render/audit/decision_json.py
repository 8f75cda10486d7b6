"""What decides a model, as plain values."""

from __future__ import annotations

from typing import Any

from safecheck.audit.decision import Row
from safecheck.audit.plan import Plan
from safecheck.cost.price import ratio


def row_content(row: Row) -> dict[str, Any]:
    """What stops a model, in operators; the first row decides most."""
    return {
        "what": row.what,
        "verdict": str(row.verdict),
        "rules": list(row.rules),
        "places": row.places,
        "nodes": row.nodes,
        "removed": row.removed,
        "left": row.left,
        "remedies": list(row.remedies),
    }


def plan_content(plan: Plan | None) -> dict[str, Any] | None:
    """What `fix` would leave; None if nobody asked."""
    if plan is None:
        return None
    price = None if plan.after is None or plan.before is None else round(ratio(plan.after, plan.before), 3)
    return {
        "verdict": plan.verdict and str(plan.verdict),
        "forbidden": plan.forbidden,
        "unproven": plan.unproven,
        "price": price,
        "problem": plan.problem,
    }
