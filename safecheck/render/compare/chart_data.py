"""What the charts of a comparison show, as values: every number with where it comes from, nothing drawn yet."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from safecheck.cost.traffic import BATCHES
from safecheck.render.compare.tables import names
from safecheck.text import printable
from safecheck.usecases.compare import Compared, Contrast

PUBLISHED = "published, other weights"
_OPERATORS = 10
_NUMBER = re.compile(r"[0-9]+(\.[0-9]+)?\Z", re.ASCII)


class Bar(NamedTuple):
    """One value of one model."""

    model: int
    label: str
    value: float
    origin: str
    """`published`, `measured`, `estimated`, `planned` or `counted`: drawn apart."""


class Bars(NamedTuple):
    """Groups of bars with a common axis."""

    title: str
    axis: str
    groups: tuple[tuple[str, tuple[Bar, ...]], ...]
    start: float = 0
    """Where the axis starts; anything but 0 is said in the title."""


class Point(NamedTuple):
    """One model in a plane."""

    model: int
    x: float
    y: float
    complies: str
    """Verdict under the target of the plane."""


class Plane(NamedTuple):
    """Two quantities against each other."""

    title: str
    x_axis: str
    y_axis: str
    points: tuple[Point, ...]


def chart_data(contrast: Contrast) -> Iterator[Bars | Plane]:
    """The charts for which there are numbers, in reading order."""
    yield from _distance(contrast)
    yield from _accuracy(contrast)
    yield from _latency(contrast)
    yield from _traffic(contrast)
    yield from _plane(contrast)
    yield _operators(contrast)


def missing(contrast: Contrast) -> list[str]:
    """What there is no chart of, and what would bring it."""
    found = [
        f"No distance to {profile.id}: every node of every model is allowed as it is."
        for position, profile in enumerate(contrast.profiles)
        if not _far(contrast, position)
    ]
    if not any(part.metric == "latency" for model in contrast.models for part in model.measured):
        found.append(
            "No latency: none was measured here, and the authors printed theirs in images only. "
            "`safecheck bench` measures it, `--measured FILE` brings it here."
        )
    if not any(_accuracies(model) for model in contrast.models):
        found.append(
            "No accuracy: none was measured, and no model was said to be a published one; `--measured FILE` or "
            "`--published NAME` brings some here."
        )
    elif not list(_plane(contrast)):
        found.append("No accuracy against cost: fewer than two models have both.")
    return found


def _far(contrast: Contrast, position: int) -> bool:
    standings = [model.standings[position] for model in contrast.models]
    return any(standing.counts[1] or standing.counts[2] for standing in standings)


def _distance(contrast: Contrast) -> Iterator[Bars]:
    for position, profile in enumerate(contrast.profiles):
        if not _far(contrast, position):
            continue
        groups = []
        for number, (model, name) in enumerate(zip(contrast.models, names(contrast), strict=True)):
            standing = model.standings[position]
            bars = [Bar(number, "as it is", standing.counts[1] + standing.counts[2], "counted")]
            if standing.after_fix is not None:
                bars.append(Bar(number, "after rewriting", sum(standing.after_fix), "planned"))
            groups.append((name, tuple(bars)))
        yield Bars(f"Distance to {profile.id}", "nodes forbidden or unproven", tuple(groups))


def _accuracies(model: Compared) -> list[tuple[str, float, str]]:
    """Top-1 in percent: published if the network is a known one, and measured."""
    found = []
    for figure in model.reference.figures if model.reference else ():
        if figure.what == "top-1 accuracy" and _NUMBER.match(figure.value):
            found.append((PUBLISHED, float(figure.value), "published"))
            break
    measured = (part for part in model.measured if part.metric == "top-1")
    return [*found, *((printable(part.precision, 20) or "measured", part.value, "measured") for part in measured)]


def _accuracy(contrast: Contrast) -> Iterator[Bars]:
    groups = []
    for number, (model, name) in enumerate(zip(contrast.models, names(contrast), strict=True)):
        bars = tuple(Bar(number, *part) for part in _accuracies(model))
        if bars:
            groups.append((name, bars))
    if groups:
        least = min(bar.value for _, bars in groups for bar in bars)
        start = max(0.0, 5 * (least // 5) - 5)
        more = f", axis from {start:g} %" if start else ""
        yield Bars(f"Top-1 accuracy{more}", "%", tuple(groups), start)


def _latency(contrast: Contrast) -> Iterator[Bars]:
    precisions = dict.fromkeys(
        (part.precision, part.device)
        for model in contrast.models
        for part in model.measured
        if part.metric == "latency"
    )
    for precision, device in precisions:
        groups = []
        for number, (model, name) in enumerate(zip(contrast.models, names(contrast), strict=True)):
            bars = tuple(
                Bar(number, f"batch {part.batch}" if part.batch else "", part.value, "measured")
                for part in sorted(model.measured, key=lambda part: part.batch or 0)
                if part.metric == "latency" and (part.precision, part.device) == (precision, device)
            )
            if bars:
                groups.append((name, bars))
        where = ", ".join(printable(text, 60) for text in (precision.upper(), device) if text)
        yield Bars(f"Latency: {where}" if where else "Latency", "ms", tuple(groups))


def _traffic(contrast: Contrast) -> Iterator[Bars]:
    precisions = dict.fromkeys(precision for model in contrast.models for precision, _ in model.traffic)
    for precision in precisions:
        groups = []
        for number, (model, name) in enumerate(zip(contrast.models, names(contrast), strict=True)):
            row = dict(model.traffic).get(precision, ())
            bars = [
                Bar(number, f"batch {batch}", value / 1e6, "estimated")
                for batch, value in zip(BATCHES, row, strict=False)
                if value is not None
            ]
            bars += [
                Bar(number, f"batch {part.batch}" if part.batch else "", part.value, "measured")
                for part in model.measured
                if part.metric == "memory-traffic" and part.precision == precision
            ]
            if bars:
                groups.append((name, tuple(bars)))
        if groups:
            yield Bars(f"Memory traffic per frame, {precision.upper()}", "MB", tuple(groups))


def _plane(contrast: Contrast) -> Iterator[Plane]:
    """Accuracy against the first measured latency, or against the estimated traffic, once for each target."""
    measured = [_first_latency(model) for model in contrast.models]
    by_latency = any(value is not None for value in measured)
    traffic = [dict(model.traffic).get("fp16", (None,))[0] for model in contrast.models]
    places = []
    for number, model in enumerate(contrast.models):
        x = measured[number] if by_latency else (None if traffic[number] is None else (traffic[number] or 0) / 1e6)
        accuracies = _accuracies(model)
        if x is not None and accuracies:
            places.append((number, x, accuracies[-1][1]))
    if len(places) < 2:
        return
    x_axis = "latency, ms" if by_latency else "estimated memory traffic, MB per frame (FP16, batch 1)"
    against = "latency" if by_latency else "estimated memory traffic"
    for position, profile in enumerate(contrast.profiles):
        points = [Point(*place, contrast.models[place[0]].standings[position].verdict) for place in places]
        yield Plane(f"Accuracy against {against}, under {profile.id}", x_axis, "top-1 accuracy, %", tuple(points))


def _first_latency(model: Compared) -> float | None:
    found = [part for part in model.measured if part.metric == "latency"]
    return min(found, key=lambda part: (part.batch or 0, part.precision)).value if found else None


def _operators(contrast: Contrast) -> Bars:
    totals: dict[str, int] = {}
    for model in contrast.models:
        for operator, count in model.operators:
            totals[operator] = totals.get(operator, 0) + count
    chosen = sorted(totals, key=lambda operator: (-totals[operator], operator))[:_OPERATORS]
    heads = names(contrast)
    groups = tuple(
        (
            printable(operator, 40),
            tuple(
                Bar(number, heads[number], dict(model.operators).get(operator, 0), "counted")
                for number, model in enumerate(contrast.models)
            ),
        )
        for operator in chosen
    )
    return Bars("Most frequent operators", "nodes", groups)
