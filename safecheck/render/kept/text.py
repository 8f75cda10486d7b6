"""The text report of a run, from what is kept of it."""

from __future__ import annotations

from collections.abc import Iterator

from safecheck.render.kept.outcome import Run
from safecheck.render.line import Line, joined


def document(run: Run) -> Iterator[Line]:
    """All lines; a quiet run is shown in the concise form."""
    return joined(
        (outcome.lines for outcome in run.outcomes), run.headlines(run.outcomes), (one.last for one in run.outcomes)
    )
