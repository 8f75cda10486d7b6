"""The JSON report of a run, from what is kept of it."""

from __future__ import annotations

from safecheck.render import Stream
from safecheck.render.json_text import together
from safecheck.render.kept.outcome import Run


def document(run: Run) -> Stream:
    """One object for one model, a list of them for several."""
    return Stream(together((outcome.json or {} for outcome in run.outcomes), len(run.outcomes), run.exit_code))
