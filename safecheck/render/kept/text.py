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
    counts = Counter((outcome.verdict, outcome.exit_code) for outcome in run.outcomes)
    if any(code for _, code in counts):
        failed = (outcome for outcome in run.outcomes if outcome.exit_code)
        yield from joined((outcome.lines, outcome.headline) for outcome in failed)
    verdicts: Counter[str] = Counter()
    for (verdict, _), count in counts.items():
        verdicts[verdict] += count
    parts = ", ".join(f"{count} {verdict}" for verdict, count in sorted(verdicts.items()))
    yield Line(f"{len(run.outcomes)} {'model' if len(run.outcomes) == 1 else 'models'}: {parts}")
