"""What the authors of the reference models published, each figure with its source, from `rules/published.yaml`."""

from __future__ import annotations

from dataclasses import dataclass

from safecheck import resources
from safecheck.bench.traffic import Cost
from safecheck.finding import Citation
from safecheck.rulebook.load import bibliography
from safecheck.rulebook.rule import citations
from safecheck.strict_yaml import Entry, load

_MACS_WITHIN = 0.003
_PARAMETERS_WITHIN = 0.02
"""Exporters fold normalisations and add tables, which changes the number of parameters in the file."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One published value."""

    what: str
    value: str
    """As printed by its authors."""
    unit: str
    note: str
    sources: tuple[Citation, ...]


@dataclass(frozen=True, slots=True)
class Published:
    """One reference network."""

    id: str
    title: str
    macs: tuple[int, ...]
    parameters: int
    figures: tuple[Figure, ...]

    def fits(self, cost: Cost) -> bool:
        """Whether a file can be this network: operations within 0.3 per cent and parameters within 2."""
        if cost.macs is None or not cost.batch:
            return False
        per_frame = cost.macs / cost.batch
        return abs(cost.parameters - self.parameters) <= _PARAMETERS_WITHIN * self.parameters and any(
            abs(per_frame - macs) <= _MACS_WITHIN * macs for macs in self.macs
        )


def published() -> dict[str, Published]:
    """The reference networks by name."""
    text = (resources.rules() / "published.yaml").read_text(encoding="utf-8")
    return {network.id: network for network in map(_network, load(text, "rules/published.yaml").sequence())}


def _network(entry: Entry) -> Published:
    keys = entry.mapping(required=("id", "title", "macs", "parameters", "figures"))
    return Published(
        keys["id"].text(),
        keys["title"].text(),
        tuple(_integer(part) for part in keys["macs"].sequence()),
        _integer(keys["parameters"]),
        tuple(_figure(part) for part in keys["figures"].sequence()),
    )


def _figure(entry: Entry) -> Figure:
    keys = entry.mapping(required=("what", "value", "sources"), optional=("unit", "note"))
    unit, note = (keys[name].text() if name in keys else "" for name in ("unit", "note"))
    return Figure(keys["what"].text(), keys["value"].text(), unit, note, citations(keys["sources"], bibliography()))


def _integer(entry: Entry) -> int:
    value = entry.scalar()
    if type(value) is not int or value <= 0:
        entry.fail("expected a positive number", "write digits")
    return value


def matched(cost: Cost | None, networks: dict[str, Published]) -> Published | None:
    """The network that a file is; None if none or several fit."""
    fitting = [network for network in networks.values() if cost is not None and network.fits(cost)]
    return fitting[0] if len(fitting) == 1 else None
