"""What `fix` did, as the JSON report of the model it wrote, with the rewrites and their proofs."""

from __future__ import annotations

import math
from typing import Any

from safecheck.audit.report import Report
from safecheck.cost.price import PRECISION, Price
from safecheck.finding import Verdict
from safecheck.render.audit.json import content
from safecheck.render.json_text import dumped
from safecheck.rewrite.driver import Step
from safecheck.rewrite.proof.difference import Difference
from safecheck.rewrite.proof.half import Half
from safecheck.rewrite.proof.local import Proof
from safecheck.rewrite.proof.whole import Whole
from safecheck.rewrite.rule import Range
from safecheck.usecases.fix import Fixed
from safecheck.usecases.toll import Toll


def document(fixed: Fixed) -> str:
    """`safecheck/report/1` of the fixed model, its `rewrites`, `before`, `left`, `notes`, `price` and `whole_model`."""
    found = content(fixed.after)
    found["rewrites"] = [{**_step(step), "leaves": _leaves(fixed, step)} for step in fixed.steps]
    found["price"] = toll_content(fixed.toll)
    found["before"] = _before(fixed.before)
    found["whole_model"] = None if fixed.whole is None else _whole(fixed.whole)
    found["notes"] = list(fixed.notes)
    found["left"] = [
        {
            "rule": left.finding.rule,
            "verdict": str(left.finding.verdict),
            "node": left.finding.location.node,
            "outputs": list(left.finding.location.outputs),
            "reason": left.reason,
        }
        for left in fixed.left
    ]
    return dumped(found)


def _before(report: Report) -> dict[str, Any]:
    counts = {str(verdict): report.audit.count(verdict) if report.audit else 0 for verdict in Verdict}
    return {
        "sha256": report.model.sha256 if report.model else None,
        "verdict": str(report.verdict),
        "coverage": {"total": len(report.audit.nodes) if report.audit else 0, **counts},
    }


def _step(step: Step) -> dict[str, Any]:
    return {
        "name": step.name,
        "remedies": list(step.remedies),
        "nodes": list(step.nodes),
        "status": "applied" if step.applied else "refused",
        "reason": step.reason,
        "before": step.before,
        "after": step.after,
        "proof": None if step.proof is None else _proof(step.proof),
        "price": {"before": _price(step.prices.today), "after": _price(step.prices.then)},
        "too_dear": step.too_dear,
    }


def _leaves(fixed: Fixed, step: Step) -> list[str]:
    """The rules that stay broken because the step was too dear."""
    return list(dict.fromkeys(left.finding.rule for left in fixed.leaves(step)))


def toll_content(toll: Toll) -> dict[str, Any]:
    """What the network costs: per run at the batch of the file, every floating-point tensor in `precision`."""
    timed = toll.latency
    return {
        "precision": str(PRECISION),
        "batch": toll.batch,
        "before": _price(toll.before),
        "after": _price(toll.after),
        "ratio": None if toll.ratio is None else _number(toll.ratio),
        "max_price": toll.limit,
        "latency": None
        if timed is None
        else {
            "before_ms": timed.before,
            "after_ms": timed.after,
            "ratio": timed.ratio,
            "pairs": timed.pairs,
            "by": {"package": "onnxruntime", "version": timed.runtime},
        },
        "not_measured_because": toll.unmeasured or None,
    }


def _price(price: Price | None) -> dict[str, int] | None:
    if price is None:
        return None
    return {
        "macs": price.macs,
        "activation_bytes": price.activations,
        "traffic_bytes": price.traffic,
        "kernels": price.kernels,
        "estimate": price.estimate,
    }


def _proof(proof: Proof) -> dict[str, Any]:
    return {
        "kind": proof.kind,
        "method": proof.method,
        **_difference(proof.difference),
        "samples": proof.samples,
        "seed": proof.seed,
        "bound": proof.bound,
        "domain": proof.domain,
        "fp16": None if proof.half is None else _half(proof.half),
        "ranges": [_range(limits) for limits in proof.ranges],
        "caveats": list(proof.caveats),
    }


def _half(half: Half) -> dict[str, Any]:
    return {"max_rel_error": half.whole, "kept_in_fp32": list(half.layers), "max_rel_error_with_kept": half.mixed}


def _range(limits: Range) -> dict[str, Any]:
    return {
        "value": limits.value,
        "low": _number(limits.low),
        "low_source": limits.low_source,
        "high": _number(limits.high),
        "high_source": limits.high_source,
        "how": limits.how,
        "outside": limits.outside,
    }


def _whole(whole: Whole) -> dict[str, Any]:
    return {
        "ran": whole.ran,
        "reason": whole.reason,
        "against": whole.against or "original",
        "by": {"package": "onnxruntime", "version": whole.runtime},
        "tolerance": whole.tolerance,
        "seed": whole.seed,
        "samples": [
            {"kind": kind, **_difference(one), "same_bits": one.same_bits, "same_nonfinite": one.same_nonfinite}
            for kind, one in whole.by_sample
        ],
        "optimised": None if whole.optimised is None else _difference(whole.optimised),
    }


def _difference(one: Difference) -> dict[str, Any]:
    return {
        "max_abs_error": _number(one.max_abs),
        "max_rel_error": _number(one.max_rel),
        "max_ulp": _number(one.max_ulp),
    }


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None
