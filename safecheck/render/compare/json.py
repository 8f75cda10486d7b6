"""The comparison for programs, schema `safecheck/contrast/1`. Published, measured and counted values stay apart."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from safecheck import __version__
from safecheck.cost.published import Figure
from safecheck.cost.traffic import BATCHES, NodeCost, assumptions
from safecheck.render.fix.json import toll_content
from safecheck.render.json_text import dumped
from safecheck.usecases.compare import Compared, Contrast, Standing


def document(contrast: Contrast) -> str:
    """One object."""
    return dumped(
        {
            "schema": "safecheck/contrast/1",
            "tool": {"name": "safecheck", "version": __version__},
            "profiles": [
                {"id": profile.id, "version": profile.version, "sha256": profile.sha256, "target": profile.target}
                for profile in contrast.profiles
            ],
            "models": [_model(model) for model in contrast.models],
            "traffic_assumptions": [part._asdict() for part in assumptions(contrast.cache)],
            "cache_bytes": contrast.cache,
            "measurements_of_no_model": contrast.unused,
            "exit_code": contrast.exit_code,
        }
    )


def _model(model: Compared) -> dict[str, Any]:
    return {
        "name": model.name,
        "sha256": model.sha256 or None,
        "error": model.error or None,
        "error_code": model.error_code or None,
        "opset_imports": dict(model.opsets),
        "producer": model.producer or None,
        "weights_from": model.weights or None,
        "parameters": model.parameters,
        "macs": model.macs,
        "unknown_because": model.unknown_because or None,
        "bytes": {
            precision: {"weights": weights, "activations": activations}
            for precision, weights, activations in model.sizes
        },
        "traffic_bytes_per_frame": {
            precision: dict(zip(map(str, BATCHES), values, strict=True)) for precision, values in model.traffic
        },
        "operators": dict(model.operators),
        "nodes": [_node(node) for node in model.nodes],
        "standings": [_standing(standing) for standing in model.standings],
        "published_missing_because": (model.reference_by or None) if model.reference is None else None,
        "published": None
        if model.reference is None
        else {
            "id": model.reference.id,
            "title": model.reference.title,
            "matched_by": model.reference_by,
            "figures": [_figure(figure) for figure in model.reference.figures],
        },
        "measured": [asdict(part) for part in model.measured],
    }


def _node(node: NodeCost) -> dict[str, Any]:
    """One node; floats are elements, whose width depends on the precision, others are bytes."""
    return {
        "index": node.index,
        "op_type": node.op_type,
        "macs": node.macs,
        "weights": {"floats": node.weights.floats, "other_bytes": node.weights.other},
        "activations": {"floats": node.activations.floats, "other_bytes": node.activations.other},
    }


def _standing(standing: Standing) -> dict[str, Any]:
    allowed, forbidden, unproven = standing.counts
    after = standing.after_fix
    return {
        "profile": standing.profile,
        "verdict": standing.verdict,
        "exit_code": standing.exit_code,
        "coverage": {"total": standing.total, "allowed": allowed, "forbidden": forbidden, "unproven": unproven},
        "after_fix": None if after is None else {"forbidden": after[0], "unproven": after[1]},
        "not_fixed_because": standing.not_fixed_because or None,
        "verdict_after_fix": standing.planned or None,
        "price_of_fix": toll_content(standing.toll),
        "stops": [asdict(stop) for stop in standing.stops],
        "breaches": [asdict(breach) for breach in standing.breaches],
    }


def _figure(figure: Figure) -> dict[str, Any]:
    return {
        "what": figure.what,
        "value": figure.value,
        "unit": figure.unit,
        "note": figure.note,
        "sources": [
            {"ref": source.ref, "at": source.at, "url": source.url, "title": source.title} for source in figure.sources
        ],
    }
