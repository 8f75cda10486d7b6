"""The text report of a run, from what is kept of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from safecheck.render.kept.outcome import Run
from safecheck.render.line import Line, joined


def document(run: Run) -> Iterator[Line]:
    """All lines; when quiet, only what does not pass and how many there were of each verdict."""
    if not run.is_quiet:
        return joined((outcome.lines, outcome.headline) for outcome in run.outcomes)
    return _quiet(run)


def _quiet(run: Run) -> Iterator[Line]:
    if run.exit_code:
        failed = (outcome for outcome in run.outcomes if outcome.exit_code)
        yield from joined((outcome.lines, outcome.headline) for outcome in failed)
    counts = Counter(outcome.verdict for outcome in run.outcomes)
    parts = ", ".join(f"{count} {verdict}" for verdict, count in sorted(counts.items()))
    yield Line(f"{len(run.outcomes)} {'model' if len(run.outcomes) == 1 else 'models'}: {parts}")
