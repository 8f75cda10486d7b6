"""A campaign as a file of schema `safecheck/measurements/1`, which `safecheck compare --measured` reads."""

from __future__ import annotations

import os
from dataclasses import asdict
from typing import Any

from safecheck import __version__
from safecheck.cost.measured import SCHEMA, Measurement
from safecheck.measure.timing.campaign import Campaign
from safecheck.measure.timing.trtexec import WARM_UP_MS
from safecheck.render.json_text import dumped
from safecheck.text import printable


def document(campaign: Campaign) -> str:
    """All measurements, the machine, the settings, and what was not measured and why."""
    request = campaign.request
    warmup = {"warmup_ms": WARM_UP_MS} if request.trtexec is not None else {"warmup_runs": request.warmup}
    found: dict[str, Any] = {
        "schema": SCHEMA,
        "tool": {"name": "safecheck", "version": __version__},
        "machine": asdict(campaign.machine),
        "settings": {
            "backend": "onnxruntime" if request.trtexec is None else "trtexec",
            **warmup,
            "runs": request.runs,
        },
        "measurements": [_measurement(part) for column in campaign.columns for part in column.measurements],
        "not_measured": [
            {"model": column.sha256, "name": _name(column.path), "metric": gap.metric, "reason": gap.reason}
            | ({} if gap.batch is None else {"batch": gap.batch})
            | ({"precision": gap.precision} if gap.precision else {})
            for column in campaign.columns
            for gap in column.gaps
        ]
        + [
            {"model": "", "name": _name(column.path), "metric": "", "reason": f"{column.error.what}"}
            for column in campaign.columns
            if column.error is not None
        ],
    }
    return dumped(found)


def _name(path: str) -> str:
    return printable(os.path.basename(path), 100)


def _measurement(part: Measurement) -> dict[str, Any]:
    fields = asdict(part)
    return {name: value for name, value in fields.items() if value not in (None, "")}
