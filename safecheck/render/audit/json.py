"""The JSON report, schema `safecheck/report/1`: no time, host or absolute path, so equal inputs give equal bytes."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import asdict
from datetime import date
from typing import Any

from safecheck import __version__
from safecheck.audit.audit import Audit, Note
from safecheck.audit.decision import decision
from safecheck.audit.decisions import Decisions, Deviation
from safecheck.audit.evidence import Confirmation, Misreading, Refusal, Translation
from safecheck.audit.report import Report, relative, worst
from safecheck.cost.macs import Precision
from safecheck.cost.traffic import BATCHES, CACHE, Cost, assumptions
from safecheck.finding import Citation, Finding, Location
from safecheck.ir.model import Model
from safecheck.render.audit.decision_json import plan_content, row_content
from safecheck.render.json_text import together
from safecheck.rulebook.profile import Profile


def document(reports: Sequence[Report]) -> str:
    """One object for one model, a list of them for several."""
    return together([content(report) for report in reports], worst([report.exit_code for report in reports]))


def content(report: Report) -> dict[str, Any]:
    """The report on one model as plain values."""
    found = {
        "schema": "safecheck/report/1",
        "tool": {"name": "safecheck", "version": __version__},
        "model": _model(report.path, report.model, report.audit),
        "profile": _profile(report.profile),
        "verdict": str(report.verdict),
        "exit_code": report.exit_code,
        "coverage": {**report.coverage, "skipped": report.audit.skipped if report.audit else 0},
        "decision": [row_content(row) for row in decision(report)],
        "plan": plan_content(report.plan),
        "findings": [finding_content(finding, report.decisions) for finding in report.audit.findings]
        if report.audit
        else [],
        "notes": [_note(note) for note in (report.audit.notes if report.audit else ())],
        "cost": _cost(report.cost),
        "rewrites": [],
        "confirmation": _confirmation(report.confirmation),
        "build": _build(report),
        "deviations": _deviations(report.decisions),
        "baseline": _baseline(report.decisions, report.audit),
        "release": None if report.release is None else asdict(report.release),
        "allowances": [
            {
                "rule": allowance.rule,
                "title": allowance.title,
                "grade": allowance.grade,
                "extrapolated": allowance.extrapolated,
                "nodes": allowance.nodes,
            }
            for allowance in (report.audit.allowances if report.audit else ())
        ],
        "assumptions": [
            {
                "id": assumption.id,
                "text": assumption.text,
                "grade": assumption.grade and str(assumption.grade),
                "sources": [_citation(source) for source in assumption.sources],
            }
            for assumption in report.profile.assumptions
        ],
        "error": None,
    }
    if report.error is not None:
        error = report.error
        found["error"] = {
            "code": error.code,
            "where": relative(error.where, report.path),
            "what": relative(error.what, report.path),
            "todo": relative(error.todo, report.path),
        }
    return found


def shown_path(path: str) -> str:
    """A file as the caller named it; of an absolute path, which says where the caller's disk is, the name alone."""
    return os.path.basename(path) if os.path.isabs(path) else path


def _model(path: str, model: Model | None, audit: Audit | None) -> dict[str, Any]:
    if model is None:
        return {"path": shown_path(path)}
    return {
        "path": shown_path(path),
        "sha256": model.sha256,
        "size_bytes": model.size_bytes,
        "external_data": [
            {"path": file.path, "sha256": file.sha256, "size_bytes": file.size_bytes} for file in model.external_data
        ],
        "ir_version": model.ir_version,
        "opset_imports": dict(sorted(model.opset_imports.items())),
        "producer": model.producer,
        "nodes": len(audit.nodes) if audit else 0,
        "parameters": model.parameters,
        "macs": audit.macs if audit else None,
        "shape_inference": model.inference_problem or "complete",
    }


def _cost(cost: Cost | None) -> dict[str, Any] | None:
    """Estimates, with what they assume."""
    if cost is None:
        return None
    sizes = {"weights": cost.weights, "activations": cost.activations}
    return {
        "parameters": cost.parameters,
        "macs": cost.macs,
        "batch": cost.batch,
        "unknown_because": cost.problem or None,
        "bytes": {
            str(precision): {name: None if size is None else size.bytes(precision) for name, size in sizes.items()}
            for precision in Precision
        },
        "traffic_bytes_per_frame": {
            str(precision): {str(batch): cost.traffic(precision, batch) for batch in BATCHES} for precision in Precision
        },
        "cache_bytes": CACHE,
        "assumptions": [part._asdict() for part in assumptions()],
    }


def _profile(profile: Profile) -> dict[str, Any]:
    return {
        "id": profile.id,
        "version": profile.version,
        "sha256": profile.sha256,
        "extends": list(profile.extends),
        "target": profile.target,
    }


def finding_content(finding: Finding, decisions: Decisions) -> dict[str, Any]:
    """One finding, with the deviation that covers it."""
    deviation = decisions.deviated.get(finding.fingerprint)
    return {
        "rule": finding.rule,
        "verdict": str(finding.verdict),
        "grade": finding.grade and str(finding.grade),
        "message": finding.message,
        "why": finding.why,
        "advice": finding.advice,
        "location": location_content(finding.location),
        "layers": list(finding.layers),
        "evidence": [{"fact": part.fact, "actual": part.actual, "limit": part.limit} for part in finding.evidence],
        "sources": [_citation(source) for source in finding.sources],
        "remedies": list(finding.remedies),
        "deviation": None if deviation is None else _deviation(deviation),
        "fingerprint": finding.fingerprint,
        "known": finding.fingerprint in decisions.debt,
    }


def _note(note: Note) -> dict[str, Any]:
    """A known defect of the release: like a finding, but nothing is held against the node."""
    rule = note.rule
    return {
        "rule": rule.id,
        "grade": rule.grade and str(rule.grade),
        "message": rule.title,
        "why": rule.why,
        "advice": rule.advice,
        "location": location_content(note.location),
        "sources": [_citation(source) for source in rule.sources],
    }


def location_content(location: Location) -> dict[str, Any]:
    """Where a finding is."""
    return {
        "scope": location.scope,
        "index": location.index,
        "node": location.node,
        "op_type": location.op_type,
        "domain": location.domain,
        "outputs": list(location.outputs),
    }


def _deviation(deviation: Deviation) -> dict[str, Any]:
    found = asdict(deviation)
    del found["fingerprints"]
    return {name: str(value) if isinstance(value, date) else value for name, value in found.items()}


def _deviations(decisions: Decisions) -> dict[str, Any] | None:
    if decisions.as_of is None:
        return None
    used = sorted({record.id for record in decisions.deviated.values()})
    return {
        "as_of": str(decisions.as_of),
        "valid": used,
        "invalid": [asdict(record) for record in decisions.invalid],
    }


def _baseline(decisions: Decisions, audit: Audit | None) -> dict[str, Any] | None:
    if decisions.baseline is None:
        return None
    new = sum(not decisions.settles(finding.fingerprint) for finding in audit.findings) if audit is not None else 0
    return {"sha256": decisions.baseline, "new": new, "debt": len(decisions.debt), "paid": decisions.paid}


def _confirmation(confirmation: Confirmation | None) -> dict[str, Any] | None:
    if confirmation is None:
        return None
    return {
        "by": {
            "package": confirmation.package,
            "version": confirmation.version,
            "library_sha256": confirmation.library_sha256,
        },
        "checked": confirmation.checked,
        "in_scope": confirmation.in_scope,
        "reason": confirmation.reason or None,
        "refusals": [_refusal(refusal) for refusal in confirmation.refusals],
        "layers": [{"name": name, "type": kind, "node": node} for name, kind, node in confirmation.layers],
        "parsed": confirmation.parsed,
        "translation": _translation(confirmation.translation),
    }


def _translation(found: Translation | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {
        "status": found.status.value,
        "reason": found.reason or None,
        "samples": list(found.samples),
        "seed": found.seed,
        "compared": found.compared,
        "outputs": [{"name": name, "max_abs_error": error} for name, error in found.outputs],
        "differences": [_misreading(one) for one in found.differences],
        "not_raised": [
            {"type": kind, "layer": layer, "node": node or None, "reason": reason}
            for kind, layer, node, reason in found.not_raised
        ],
        "doubted": list(found.doubted),
    }


def _misreading(one: Misreading) -> dict[str, Any]:
    return {
        "tensor": one.tensor,
        "sample": one.sample,
        "layer": one.layer,
        "parameters": one.parameters,
        "file": one.file,
        "network": one.network,
        "max_abs_error": one.error,
        "location": one.location and location_content(one.location),
        "rules": list(one.rules),
    }


def _refusal(refusal: Refusal) -> dict[str, Any]:
    location = refusal.location
    return {
        "layer": refusal.layer,
        "limit": refusal.limit,
        "node": location and location.node,
        "location": location and location_content(location),
        "rules": list(refusal.rules),
    }


def _build(report: Report) -> dict[str, Any] | None:
    if report.build is None:
        return None
    found = asdict(report.build)
    found["errors"] = [_refusal(refusal) for refusal in report.build.errors]
    found["disagreement"] = report.disagreement or None
    return found


def _citation(citation: Citation) -> dict[str, str]:
    return {"ref": citation.ref, "at": citation.at, "url": citation.url, "title": citation.title}
