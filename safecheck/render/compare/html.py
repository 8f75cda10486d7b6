"""The comparison as one HTML file: verdicts first, then charts and tables."""

from __future__ import annotations

from typing import NamedTuple

from safecheck import __version__
from safecheck.finding import ModelVerdict
from safecheck.render.compare import charts
from safecheck.render.compare.chart_data import chart_data, missing
from safecheck.render.compare.tables import names, price_words, stop_words, tables
from safecheck.render.html.templates import rendered
from safecheck.usecases.compare import Contrast, Standing

_STRIP = 300
_LEAST = 3.0
"""A single node among thousands must be seen."""


def document(contrast: Contrast) -> str:
    """The whole file."""
    from markupsafe import Markup

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
        symbols={str(verdict): verdict.symbol for verdict in ModelVerdict},
        strip=_strip,
        price=price_words,
        stops=stop_words,
        charts=[(chart.title, chart.words, Markup(chart.svg)) for chart in _charts(contrast)],
        charts_missing=missing(contrast) if charts.available() else [],
        without_library=not charts.available(),
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


def _charts(contrast: Contrast) -> list[charts.Chart]:
    return charts.charts(chart_data(contrast), names(contrast)) if charts.available() else []
