"""The JSON report of each model in a line of its own, from what is kept of it."""

from __future__ import annotations

from safecheck.render import Stream
from safecheck.render.json_text import one_line
from safecheck.render.kept.outcome import Outcome, Run


def document(run: Run) -> Stream:
    """One line for each model, in the order given."""
    return Stream(line_of(outcome) for outcome in run.outcomes)


def line_of(outcome: Outcome) -> str:
    """The line of one model."""
    return one_line(outcome.json or {})
