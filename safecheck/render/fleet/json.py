"""The fleet as JSON, schema `safecheck/fleet/1`; `--since` reads its rows."""

from __future__ import annotations

from safecheck import __version__
from safecheck.render.json_text import dumped
from safecheck.usecases.fleet import SCHEMA, Fleet


def document(fleet: Fleet) -> str:
    """One object: no time, host or absolute path, so equal results give equal bytes."""
    return dumped(
        {
            "schema": SCHEMA,
            "tool": {"name": "safecheck", "version": __version__},
            "models": fleet.models,
            "exit_code": fleet.exit_code,
            "targets": [
                {"id": target, "verdicts": dict(sorted(counts.items())), "fix_may_free": fleet.may_be_freed(target)}
                for target, counts in fleet.counts().items()
            ],
            "rules": [stop._asdict() for stop in fleet.stops()],
            "broken_by_change_of_target": [
                {"model": change.model, "passes_under": change.before, "not_under": change.after}
                for change in fleet.broken()
            ],
            "since": None
            if fleet.since is None
            else [
                {"model": change.model, "target": target, "before": change.before, "after": change.after}
                for target, change in fleet.changed()
            ],
            "rows": [row._asdict() for row in fleet.rows],
        }
    )
