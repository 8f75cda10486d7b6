"""A campaign for people: one line per model, batch and precision, then what was not measured and why."""

from __future__ import annotations

import os
from collections.abc import Iterator

from safecheck.measure.timing.campaign import Campaign, Column
from safecheck.render.line import Line
from safecheck.text import printable

_TIMES = ("latency", "latency-p95", "latency-p99")


def document(campaign: Campaign) -> Iterator[Line]:
    """All lines."""
    machine = campaign.machine
    yield Line(f"machine  {machine.processor}, {machine.cores} cores, {machine.system}")
    backends = sorted({part.versions for column in campaign.columns for part in column.measurements})
    if machine.gpu or backends:
        yield Line("         " + ", ".join([*([machine.gpu] if machine.gpu else []), *backends]))
    for column in campaign.columns:
        yield Line("")
        yield Line(printable(os.path.basename(column.path), 100), "strong")
        if column.error is not None:
            yield Line(f"  nothing was measured: {column.error.what} [{column.error.code}]", "open")
            continue
        yield from _times(column)
        for part in column.measurements:
            if part.metric == "top-1":
                yield Line(f"  Top-1 {part.value:.2f} %, {part.precision}")
        yield from _gaps(column)


def _times(column: Column) -> Iterator[Line]:
    values = {(part.precision, part.batch, part.metric): part.value for part in column.measurements}
    places = list(dict.fromkeys((precision, batch) for precision, batch, metric in values if metric == "latency"))
    if places:
        titles = ("precision", "batch", "median", "p95", "p99", "frames/s")
        yield Line(
            "  " + "".join(f"{title:>{11 if at else 9}}" for at, title in enumerate(titles)) + "   (ms)", "quiet"
        )
    for precision, batch in places:
        times = [values.get((precision, batch, metric)) for metric in _TIMES]
        shown = [f"{value:.3f}" if value is not None else "-" for value in times]
        shown += [f"{values[precision, batch, 'throughput']:.1f}"]
        yield Line(f"  {precision:>9}{batch:>11}" + "".join(f"{text:>11}" for text in shown))


def _gaps(column: Column) -> Iterator[Line]:
    reasons: dict[tuple[str, str], list[str]] = {}
    for gap in column.gaps:
        place = " ".join([gap.precision, f"batch {gap.batch}" if gap.batch is not None else ""]).strip()
        reasons.setdefault((gap.metric, gap.reason), []).append(place)
    for (metric, reason), places in reasons.items():
        where = ", ".join(place for place in places if place)
        yield Line(f"  not measured: {metric}{f' ({where})' if where else ''}: {reason}", "open")
