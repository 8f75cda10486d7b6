"""What a rewrite is: it looks at a node that is not allowed and offers replacements, each with a claim to be proved."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from os.path import basename
from traceback import extract_tb
from typing import Any, Literal, Protocol

from safecheck.errors import SafecheckError
from safecheck.rewrite.graph import MutableGraph
from safecheck.rewrite.replacement import Replacement

Kind = Literal["exact", "bounded", "tested"]

Limit = Callable[[Mapping[str, Any], Any], Any]
"""Inputs by name and the expected result -> the absolute error that the derivation allows, per element or for all."""


Source = Literal["derived", "assumed", "measured"]


@dataclass(frozen=True)
class Range:
    """The values between which a bound holds."""

    value: str
    """What lies in the range, in words."""
    low: float
    high: float
    low_source: Source = "derived"
    high_source: Source = "assumed"
    outside: str = "the result stays near that of the nearer end, up to a million times beyond it"
    """What happens beyond it."""
    how: str = ""
    """How it was measured."""

    def __str__(self) -> str:
        ends = f"{self.low:.3g} ({self.low_source}) and {self.high:.3g} ({self.high_source})"
        how = f", {self.how}" if self.how else ""
        return f"{self.value} between {ends}{how}; outside, {self.outside}"


@dataclass(frozen=True)
class Claim:
    """How well a replacement agrees with what it replaces, and why. A proof has to show it."""

    kind: Kind
    method: str
    """The argument, in a sentence."""
    moves_data: bool = False
    """True if both sides only move elements: then equality on an enumeration of the elements is equality everywhere."""
    finite_only: bool = False
    """True if infinities, NaN or the sign of zero may come out differently; `caveats` say how."""
    caveats: tuple[str, ...] = ()
    floors: Mapping[str, float] = field(default_factory=dict)
    """Inputs whose makers let no element be below a number; the proof's samples are not below it either."""
    limit: Limit | None = None
    """For `bounded`: the derived bound."""
    bound: str = ""
    """The derived bound in words."""
    ranges: tuple[Range, ...] = ()
    """Where the bound holds; empty: everywhere. `limit` is infinite outside."""
    keep: tuple[str, ...] = ()
    """New values whose layers stay in FP32 where the replacement loses too much in FP16; empty: all but the results."""


@dataclass(frozen=True)
class Candidate:
    """One way to replace a match. Earlier candidates are preferred where the profile likes them equally."""

    replacement: Replacement
    claim: Claim


@dataclass(frozen=True)
class Match:
    """A place where a rewrite applies, or where it would if something were different."""

    nodes: tuple[Any, ...]
    """The nodes it is about, the anchor first."""
    candidates: tuple[Candidate, ...] = ()
    reason: str = ""
    """Why there is no candidate."""
    after: str = ""
    """The replacement in words, for the report; empty: its operators are listed."""


FAILED = "safecheck failed here"
"""How the reason begins that stands for a fault of a rewrite's own."""


class Rewrite(Protocol):
    """One kind of rewrite."""

    @property
    def name(self) -> str:
        """Kebab-case, never reused."""

    @property
    def remedies(self) -> tuple[str, ...]:
        """Remedies of rules that this rewrite carries out."""

    def match(self, graph: MutableGraph, node: Any) -> Match | None:
        """The match around a node that the profile does not allow; None if the rewrite has nothing to say about it."""


def matched(rewrite: Rewrite, graph: MutableGraph, node: Any) -> Match | None:
    """What a rewrite says about a node; one that fails is a reason to leave the node, and costs nothing else."""
    try:
        return rewrite.match(graph, node)
    except (MemoryError, SafecheckError):
        raise
    except Exception as error:
        frame = extract_tb(error.__traceback__)[-1]
        where = f"{type(error).__name__} in {basename(frame.filename)}:{frame.lineno}"
        return Match((node,), reason=f"{FAILED}: {where}; please report it with the model")
