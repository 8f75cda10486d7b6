"""The fleet for a terminal: how many pass, what stops the others, what a change of target breaks, what changed."""

from __future__ import annotations

from collections.abc import Iterator

from safecheck.render.line import Line
from safecheck.text import printable
from safecheck.usecases.fleet import Fleet

_SHOWN = 10


def document(fleet: Fleet) -> Iterator[Line]:
    """All lines; of long lists the beginning."""
    yield Line(f"{fleet.models} models, {len(fleet.targets)} {'target' if len(fleet.targets) == 1 else 'targets'}")
    stops = fleet.stops()
    for target, counts in fleet.counts().items():
        yield Line("")
        parts = ", ".join(f"{count} {printable(verdict)}" for verdict, count in sorted(counts.items()))
        yield Line(f"{printable(target)}: {parts}", "strong")
        freed = fleet.may_be_freed(target)
        yield Line(f"  fix names a rewrite for everything that stops {freed} of the models; it says whether that holds")
        stopping = [stop for stop in stops if stop.target == target]
        for stop in stopping[:_SHOWN]:
            yield Line(f"  {stop.models:>6} stopped by {printable(stop.rule, 60)}, {stop.only} by nothing else")
        yield from _more(len(stopping), "rules")
    broken = fleet.broken()
    if broken:
        yield Line("")
        yield Line("a change of target breaks", "strong")
        for change in broken[:_SHOWN]:
            yield Line(f"  {printable(change.model)}: passes {printable(change.before)}, not {printable(change.after)}")
        yield from _more(len(broken), "models")
    if fleet.since is not None:
        changed = fleet.changed()
        yield Line("")
        yield Line(f"{len(changed)} verdicts are others than before", "strong")
        for target, change in changed[:_SHOWN]:
            told = f"{printable(change.before)} -> {printable(change.after)}"
            yield Line(f"  {printable(change.model)} ({printable(target)}): {told}")
        yield from _more(len(changed), "verdicts")


def _more(count: int, what: str) -> Iterator[Line]:
    if count > _SHOWN:
        yield Line(f"  and {count - _SHOWN} more {what}", "quiet")
