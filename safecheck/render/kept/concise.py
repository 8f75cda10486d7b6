"""The concise report of a run, from what is kept of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from safecheck.render.kept.outcome import Run
from safecheck.render.line import Line


def document(run: Run) -> Iterator[Line]:
    """All findings, then the verdicts; when quiet, only of what does not pass, and how many there were of each."""
    verdicts = []
    for outcome in run.outcomes:
        if outcome.exit_code or not run.is_quiet:
            yield from outcome.concise
            verdicts.append(run.told(outcome))
    yield from verdicts
    if run.is_quiet:
        counts = Counter(outcome.verdict for outcome in run.outcomes)
        parts = ", ".join(f"{count} {verdict}" for verdict, count in sorted(counts.items()))
        unit = "verdict" if run.has_several_profiles else "model"
        yield Line(f"{len(run.outcomes)} {unit if len(run.outcomes) == 1 else f'{unit}s'}: {parts}")
