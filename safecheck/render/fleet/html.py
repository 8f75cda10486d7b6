"""The fleet as one HTML file: how many pass first, then what stops the others, then every model."""

from __future__ import annotations

from safecheck import __version__
from safecheck.finding import ModelVerdict
from safecheck.render.html.templates import rendered
from safecheck.usecases.fleet import Fleet


def document(fleet: Fleet) -> str:
    """The whole file."""
    return rendered(
        "fleet.html.j2",
        script_file="report.js",
        version=__version__,
        fleet=fleet,
        counts=fleet.counts(),
        stops=fleet.stops(),
        broken=fleet.broken(),
        changed=fleet.changed(),
        verdicts=[str(verdict) for verdict in ModelVerdict],
        symbols={str(verdict): verdict.symbol for verdict in ModelVerdict},
    )
