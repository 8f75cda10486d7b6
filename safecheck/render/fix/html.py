"""What `fix` did, as the page of the model it wrote: before, after, rewrites, price and proofs first."""

from __future__ import annotations

from collections import Counter
from typing import Any, NamedTuple

from safecheck.audit.report import Report
from safecheck.render.audit.html import page
from safecheck.render.fix import price_text
from safecheck.render.html.layout import Drawing, drawing
from safecheck.text import printable
from safecheck.usecases.fix import Fixed

_STEPS = 400


class Rewritten(NamedTuple):
    """One rewrite, applied or refused, and how often the same happened."""

    name: str
    applied: bool
    reason: str
    before: str
    after: str
    proof: str
    price: str
    """Of one place, before and after."""
    leaves: str
    """Rules that stay broken because it was too dear."""
    places: int
    first: str
    pictures: tuple[Drawing, Drawing] | None


class Rewriting(NamedTuple):
    """Everything that the page says beside the audit of the result."""

    fixed: Fixed
    sides: tuple[tuple[str, Report], tuple[str, Report]]
    price: str
    proofs: tuple[tuple[str, int], ...]
    """Kind of proof -> rewrites that have one."""
    steps: tuple[Rewritten, ...]
    refused: int


def document(fixed: Fixed) -> str:
    """The whole file."""
    proofs = Counter(str(step.proof.kind) for step in fixed.applied if step.proof is not None)
    rewriting = Rewriting(
        fixed,
        (("before", fixed.before), ("after", fixed.after)),
        price_text.total(fixed),
        tuple(sorted(proofs.items())),
        tuple(_steps(fixed)),
        sum(not step.applied for step in fixed.steps),
    )
    return page([fixed.after], rewriting)


def _steps(fixed: Fixed) -> list[Rewritten]:
    """Rewrites, applied ones first; equal ones are one entry that says at how many places."""
    found: dict[tuple[object, ...], Rewritten] = {}
    for step in sorted(fixed.steps, key=lambda step: not step.applied):
        proof = "" if step.proof is None else _proof(step.proof)
        leaves = ", ".join(dict.fromkeys(left.finding.rule for left in fixed.leaves(step)))
        price = price_text.of_steps([step])
        alike = (step.name, step.applied, step.reason, step.before, step.after, proof, price, leaves)
        drawn = None
        if alike not in found and step.pictures is not None:
            drawn = (drawing(step.pictures[0]), drawing(step.pictures[1]))
        entry = found.setdefault(
            alike, Rewritten(*alike, places=0, first=printable(next(iter(step.nodes), ""), 90), pictures=drawn)
        )
        found[alike] = entry._replace(places=entry.places + max(1, len(step.nodes) if not step.after else 1))
    return list(found.values())[:_STEPS]


def _proof(proof: Any) -> str:
    measured = ""
    if proof.samples:
        measured = f"; largest difference {proof.difference.max_abs:.3g} in {proof.samples} samples, seed {proof.seed}"
    bound = f"; bound: {proof.bound}" if proof.bound else ""
    caveats = f"; holds with this: {'; '.join(proof.caveats)}" if proof.caveats else ""
    ranges = "".join(f"; for {limits}" for limits in proof.ranges)
    half = "" if proof.half is None else f"; in FP16: {proof.half}"
    return f"{proof.kind}: {proof.method}{measured}{bound}{ranges}{half}{caveats}"
