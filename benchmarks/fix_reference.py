"""What `fix` would make of the reference networks under 8.6: `results/fix_reference.json`, shown in docs/fix.md.

    python benchmarks/fix_reference.py      # then python docs/make_fix.py

The networks are exports of full size; they are planned, which runs no proof. Those proofs, and the comparison with the
original, run in `tests/usecases/test_fix_networks.py`.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fix_speed import filled

import safecheck
from safecheck.finding import Verdict
from safecheck.rulebook.profile import Profile
from safecheck.usecases.audit import audit_model
from safecheck.usecases.planned import plan

RESULTS = Path(__file__).parent / "results" / "fix_reference.json"
TARGET = "tensorrt-8.6-restricted"
NETWORKS = ("csa_tiny_sizes_mean__dynamo18", "convnext_tiny__dynamo20", "swin_tiny__dynamo20", "cvt_13__dynamo20")


def row(name: str, profile: Profile) -> dict[str, Any]:
    """The figures of one network."""
    with tempfile.TemporaryDirectory() as folder:
        report = audit_model(str(filled(name, Path(folder))), profile)
        if report.model is None:
            raise SystemExit(f"{name} cannot be read")
        found = plan(report, report.model)
    return {
        "before": [report.coverage[Verdict.FORBIDDEN], report.coverage[Verdict.UNPROVEN]],
        "after": [found.weight.forbidden, found.weight.unproven],
        "verdict": str(found.verdict),
        "price": None if found.toll.ratio is None else round(found.toll.ratio, 1),
    }


def results() -> Iterator[tuple[str, dict[str, Any]]]:
    """Everything that is recorded, one network after the other."""
    profile = safecheck.load_profile(TARGET)
    for name in NETWORKS:
        yield name, row(name, profile)


if __name__ == "__main__":
    kept = {}
    for name, figures in results():
        kept[name] = figures
        print(name, figures, flush=True)
    RESULTS.write_text(json.dumps(kept, indent=2) + "\n", encoding="utf-8")
