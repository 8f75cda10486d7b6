"""The difference of two audits, for programs."""

from __future__ import annotations

from typing import Any

from safecheck import __version__
from safecheck.decisions.diff import Changes, Place, Side
from safecheck.render.audit.json import location_content, shown_path
from safecheck.render.diff.text import NOT_A_VERDICT
from safecheck.render.json_text import dumped


def document(changes: Changes) -> str:
    """Schema `safecheck/diff/1`."""
    return dumped(
        {
            "schema": "safecheck/diff/1",
            "tool": {"name": "safecheck", "version": __version__},
            "old": _side(changes.old),
            "new": _side(changes.new),
            "same_rules": changes.old.profile == changes.new.profile,
            "counts": {
                "new": len(changes.appeared),
                "fixed": len(changes.fixed),
                "unchanged": len(changes.unchanged),
            },
            "exit_code": changes.exit_code,
            "note": NOT_A_VERDICT,
            "findings": {
                "new": [_place(place) for place in changes.appeared],
                "fixed": [_place(place) for place in changes.fixed],
                "unchanged": [_place(place) for place in changes.unchanged],
            },
        }
    )


def _side(side: Side) -> dict[str, Any]:
    return {
        "path": shown_path(side.path),
        "sha256": side.sha256,
        "profile": side.profile.split(" ")[0],
        "verdict": side.verdict,
    }


def _place(place: Place) -> dict[str, Any]:
    return {
        "rule": place.rule,
        "verdict": str(place.verdict),
        "fingerprint": place.fingerprint,
        "location": location_content(place.location),
    }
