"""The comparison as one HTML file: verdicts first, then charts and tables."""

from __future__ import annotations

from typing import Any, NamedTuple

from safecheck import __version__
from safecheck.bench.traffic import BATCHES
from safecheck.contrast import Contrast, Standing
from safecheck.render import amounts
from safecheck.render.compare_tables import SYMBOLS, names, tables
from safecheck.render.templates import rendered

_STRIP = 300
_LEAST = 3.0
"""A single node among thousands must be seen."""
_CHART = 420
_LABELS = 92
_BAR = 12


def document(contrast: Contrast) -> str:
    """The whole file."""
    heads = names(contrast)
    models = [
        {
            "name": head,
            "sha256": model.sha256,
            "error": model.error,
            "standings": model.standings,
        }
        for head, model in zip(heads, contrast.models, strict=True)
    ]
    sources = {
        source.ref: source
        for model in contrast.models
        if model.reference
        for figure in model.reference.figures
        for source in figure.sources
    }
    return rendered(
        "compare.html.j2",
        version=__version__,
        names=heads,
        models=models,
        complying=[
            sum(model.standings[position].verdict == "compliant" for model in contrast.models)
            for position in range(len(contrast.profiles))
        ],
        profiles=contrast.profiles,
        symbols=SYMBOLS,
        strip=_strip,
        charts=_charts(contrast, heads),
        tables=list(tables(contrast)),
        sources=[sources[ref] for ref in sorted(sources)],
    )


class Part(NamedTuple):
    """A piece of the strip that shows how many nodes have which verdict."""

    kind: str
    x: float
    width: float


def _strip(standing: Standing) -> list[Part]:
    found = []
    at = 0.0
    for kind, count in zip(("allowed", "forbidden", "unproven"), standing.counts, strict=True):
        width = round(_STRIP * count / max(1, standing.total), 2)
        if count:
            found.append(Part(kind, round(min(at, _STRIP - _LEAST), 2), max(width, _LEAST)))
        at += width
    return found


def _charts(contrast: Contrast, heads: tuple[str, ...]) -> list[dict[str, Any]]:
    """One bar chart per precision: models in groups, a bar per batch."""
    charts = []
    for precision in dict.fromkeys(precision for model in contrast.models for precision, _ in model.traffic):
        values = [dict(model.traffic).get(precision, (None,) * len(BATCHES)) for model in contrast.models]
        largest = max((value for row in values for value in row if value is not None), default=0)
        bars, labels = [], []
        y = 14
        for head, row in zip(heads, values, strict=True):
            labels.append({"y": y, "text": head if len(head) < 48 else f"{head[:47]}…"})
            y += 6
            for series, (batch, value) in enumerate(zip(BATCHES, row, strict=True)):
                width = 0 if value is None else round((_CHART - _LABELS) * value / max(1, largest), 1)
                text = amounts.size(value)
                bars.append(
                    {
                        "series": series % 4,
                        "x": 0,
                        "y": y,
                        "width": width,
                        "height": _BAR,
                        "label": f"{text}, batch {batch}",
                    }
                )
                y += _BAR + 2
            y += 16
        charts.append(
            {
                "title": precision.upper(),
                "description": f"estimated memory traffic per frame in {precision}; the figures are in the table below",
                "bars": bars,
                "labels": labels,
                "width": _CHART + 20,
                "height": y,
            }
        )
    return charts
