"""What `quantize` did, as the JSON report of the model it wrote, with how it was quantised."""

from __future__ import annotations

from typing import Any

from safecheck.measure.quantize.clipping import STEPS
from safecheck.measure.quantize.quantize import Quantised
from safecheck.measure.timing.accuracy import Accuracy
from safecheck.render.audit.json import content
from safecheck.render.json_text import dumped


def document(done: Quantised) -> str:
    """`safecheck/report/1` of the quantised model, and `quantisation`."""
    request = done.request
    found = content(done.after)
    found["quantisation"] = {
        "before": {
            "sha256": done.before.model.sha256 if done.before.model else None,
            "verdict": str(done.before.verdict),
        },
        "precision": request.precision,
        "method": request.method,
        "percentile": request.percentile if request.method == "percentile" else None,
        "images": {"found": done.found, "asked": request.count, "used": done.used, "seed": request.seed},
        "pairs": done.pairs,
        "activations": [
            {"tensor": name, "threshold": limit, "scale": limit / STEPS} for name, limit in done.thresholds.items()
        ],
        "accuracy": None
        if done.accuracy is None
        else {
            "before": _share(done.accuracy[0]),
            "after": _share(done.accuracy[1]),
            "calibrated_on": done.calibrated_on,
        },
    }
    return dumped(found)


def _share(accuracy: Accuracy) -> dict[str, Any]:
    return {"top_1": accuracy.percent, "right": accuracy.right, "total": accuracy.total}
