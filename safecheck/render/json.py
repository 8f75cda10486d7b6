"""The JSON report, schema `safecheck/report/1`: no time, host or absolute path, so equal inputs give equal bytes."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from typing import Any

from safecheck import __version__
from safecheck.audit import Audit
from safecheck.bench.cost import Precision
from safecheck.bench.traffic import BATCHES, CACHE, Cost, assumptions
from safecheck.finding import Citation, Finding, Verdict
from safecheck.model import Model
from safecheck.report import Report, relative, worst
from safecheck.rulebook.profile import Profile


def document(reports: Sequence[Report]) -> str:
    """One object for one model, a list of them for several."""
    if len(reports) == 1:
        found = content(reports[0])
    else:
        found = {
            "schema": "safecheck/reports/1",
            "reports": [content(report) for report in reports],
            "exit_code": worst([report.exit_code for report in reports]),
        }
    return dumped(found)


def dumped(found: dict[str, Any]) -> str:
    """The text of a report: ASCII only, so that hostile characters in names stay visible and harmless."""
    return json.dumps(found, indent=2, ensure_ascii=True, allow_nan=False) + "\n"


def content(report: Report) -> dict[str, Any]:
    """The report on one model as plain values."""
    found = {
        "schema": "safecheck/report/1",
        "tool": {"name": "safecheck", "version": __version__},
        "model": _model(report.path, report.model, report.audit),
        "profile": _profile(report.profile),
        "verdict": str(report.verdict),
        "exit_code": report.exit_code,
        "coverage": _coverage(report.audit),
        "findings": [_finding(finding) for finding in report.audit.findings] if report.audit else [],
        "cost": _cost(report.cost),
        "rewrites": [],
        "confirmation": None,
        "build": None,
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


def _model(path: str, model: Model | None, audit: Audit | None) -> dict[str, Any]:
    # A file is named as the caller named it, but an absolute path says where the caller's disk is.
    shown = os.path.basename(path) if os.path.isabs(path) else path
    if model is None:
        return {"path": shown}
    return {
        "path": shown,
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


def _coverage(audit: Audit | None) -> dict[str, int]:
    counts = {str(verdict): audit.count(verdict) if audit else 0 for verdict in Verdict}
    return {
        "total": len(audit.nodes) if audit else 0,
        "allowed": counts["allowed"],
        "forbidden": counts["forbidden"],
        "unproven": counts["unproven"],
        "deviated": 0,
        "folded": audit.folded if audit else 0,
    }


def _finding(finding: Finding) -> dict[str, Any]:
    location = finding.location
    return {
        "rule": finding.rule,
        "verdict": str(finding.verdict),
        "grade": finding.grade and str(finding.grade),
        "message": finding.message,
        "why": finding.why,
        "advice": finding.advice,
        "location": {
            "scope": location.scope,
            "index": location.index,
            "node": location.node,
            "op_type": location.op_type,
            "domain": location.domain,
            "outputs": list(location.outputs),
        },
        "layers": list(finding.layers),
        "evidence": [{"fact": part.fact, "actual": part.actual, "limit": part.limit} for part in finding.evidence],
        "sources": [_citation(source) for source in finding.sources],
        "remedies": list(finding.remedies),
        "deviation": None,
        "fingerprint": finding.fingerprint,
    }


def _citation(citation: Citation) -> dict[str, str]:
    return {"ref": citation.ref, "at": citation.at, "url": citation.url, "title": citation.title}
