"""The fleet as one HTML file: how many pass first, then what stops the others, then every model."""

from __future__ import annotations

from safecheck import __version__
from safecheck.finding import ModelVerdict
from safecheck.render.html.templates import inlined, rendered
from safecheck.usecases.fleet import Fleet

_COLOURS = {
    str(ModelVerdict.COMPLIANT): "a",
    str(ModelVerdict.COMPLIANT_WITH_DEVIATIONS): "a",
    str(ModelVerdict.NON_COMPLIANT): "f",
}
"""Class of the cell of a verdict; any other is open."""


def document(fleet: Fleet) -> str:
    """The whole file."""
    return rendered(
        "fleet.html.j2",
        script_file="fleet.js",
        own=inlined("fleet.css"),
        version=__version__,
        fleet=fleet,
        counts=fleet.counts(),
        stops=fleet.stops(),
        broken=fleet.broken(),
        changed=fleet.changed(),
        verdicts=[str(verdict) for verdict in ModelVerdict],
        symbols={str(verdict): verdict.symbol for verdict in ModelVerdict},
        colours=_COLOURS,
    )
