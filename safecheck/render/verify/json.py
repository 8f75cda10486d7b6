"""A report held against its repetition, for programs."""

from __future__ import annotations

from safecheck.assurance.verification import Verification
from safecheck.render.audit.json import shown_path
from safecheck.render.json_text import dumped


def document(found: Verification) -> str:
    """Schema `safecheck/verification/1`."""
    return dumped(
        {
            "schema": "safecheck/verification/1",
            "report": {"path": shown_path(found.report), "sha256": found.report_sha256, "verdict": found.verdict},
            "model": shown_path(found.model),
            "identical": found.exit_code == 0,
            "differences": [difference._asdict() for difference in found.differences],
            "not_asked": list(found.unrepeated),
            "exit_code": found.exit_code,
        }
    )
