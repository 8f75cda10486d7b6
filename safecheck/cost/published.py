"""What the authors of the reference models published, each figure with its source, from `rules/published.yaml`."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

from safecheck.cost.traffic import Cost
from safecheck.finding import Citation
from safecheck.rulebook.bibliography import bibliography
from safecheck.rulebook.rule import citations
from safecheck.strict import resources
from safecheck.strict.yaml import Entry, load

_MACS_WITHIN = 0.001


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
    weights: int
    """Elements of all weights that convolutions and products multiply with (`Products`)."""
    macs: int
    """Multiply-accumulates for one frame of the published size."""
    figures: tuple[Figure, ...]


class Match(NamedTuple):
    """Whether a file is a reference network."""

    network: Published | None
    because: str
    """How it was recognised, or what speaks against it; empty if it is like none."""


@cache
def published() -> dict[str, Published]:
    """The reference networks by name."""
    text = (resources.rules() / "published.yaml").read_text(encoding="utf-8")
    return {network.id: network for network in map(_network, load(text, "rules/published.yaml").sequence())}


def _network(entry: Entry) -> Published:
    keys = entry.mapping(required=("id", "title", "weights", "macs", "figures"))
    return Published(
        keys["id"].text(),
        keys["title"].text(),
        _integer(keys["weights"]),
        _integer(keys["macs"]),
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


def match(cost: Cost) -> Match:
    """The network that a file is by its structure: exactly its weights, and its operations for a frame.

    The same weights at another input size or in another geometry are another network: nothing is known about it.
    """
    for network in published().values():
        if cost.products.weights != network.weights:
            continue
        if cost.macs is None or cost.batch is None:
            return Match(None, f"its weights are those of {network.id}, its multiply-accumulates are unknown")
        macs = cost.macs / cost.batch
        if abs(macs - network.macs) <= _MACS_WITHIN * network.macs:
            return Match(network, f"{network.weights:,} weights and {macs / 1e9:.3f} G multiply-accumulates")
        counts = f"{macs / 1e9:.3f} G instead of {network.macs / 1e9:.3f} G multiply-accumulates"
        return Match(None, f"its weights are those of {network.id}, but it needs {counts}: another geometry or size")
    return Match(None, "")
