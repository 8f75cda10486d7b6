"""The concise report of a run, from what is kept of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from safecheck.render.kept.outcome import Run
from safecheck.render.line import Line


def document(run: Run) -> Iterator[Line]:
    """All findings, then the verdicts; when quiet, only of what does not pass, and how many there were of each."""
    shown = [outcome for outcome in run.outcomes if outcome.exit_code or not run.is_quiet]
    for outcome in shown:
        yield from outcome.concise
    yield from run.headlines(shown)
    if run.is_quiet:
        counts = Counter(outcome.verdict for outcome in run.outcomes)
        parts = ", ".join(f"{count} {verdict}" for verdict, count in sorted(counts.items()))
        unit = "model" if len({outcome.profile for outcome in run.outcomes}) == 1 else "verdict"
        yield Line(f"{len(run.outcomes)} {unit if len(run.outcomes) == 1 else f'{unit}s'}: {parts}")
