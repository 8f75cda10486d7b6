"""The rules in force, for programs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from safecheck.render.json_text import dumped
from safecheck.rulebook.condition import describe
from safecheck.rulebook.index import Entry


def document(entries: Sequence[Entry]) -> str:
    """A list with one object for each."""
    return dumped([_rule(entry) for entry in entries])


def _rule(entry: Entry) -> dict[str, Any]:
    rule = entry.rule
    return {
        "id": rule.id,
        "title": rule.title,
        "verdict": str(rule.verdict),
        "grade": rule.grade and str(rule.grade),
        "extrapolated": rule.extrapolated,
        "category": "mandatory" if rule.mandatory else "required",
        "profiles": list(entry.profiles),
        "layers": list(rule.layers),
        "operators": list(rule.operators),
        "when": describe(rule.when),
        "says": list(rule.says),
        "why": rule.why,
        "advice": rule.advice,
        "remedies": list(rule.remedies),
        "sources": [{"ref": source.ref, "at": source.at, "url": source.url} for source in rule.sources],
    }
