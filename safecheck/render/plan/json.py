"""A build plan for programs."""

from __future__ import annotations

from dataclasses import asdict

from safecheck.render.json_text import dumped
from safecheck.usecases.build import Planned


def document(planned: Planned) -> str:
    """Schema `safecheck/plan/1`."""
    return dumped({"schema": "safecheck/plan/1", **asdict(planned.plan), "command": planned.command})
