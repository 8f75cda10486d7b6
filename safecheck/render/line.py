"""Lines of a report for people."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from safecheck.finding import Location, ModelVerdict, Verdict
from safecheck.text import printable

NODES_SHOWN = 10
"""Places of one rule that a report for people lists; formats for programs list all."""

STYLE = {
    Verdict.FORBIDDEN: "bad",
    Verdict.UNPROVEN: "open",
    ModelVerdict.COMPLIANT: "good",
    ModelVerdict.COMPLIANT_WITH_DEVIATIONS: "good",
    ModelVerdict.NON_COMPLIANT: "bad",
    ModelVerdict.INCONCLUSIVE: "open",
}


class Line(NamedTuple):
    """One line of the report; how it is coloured and wrapped is the terminal's business."""

    text: str
    style: str = ""
    """`good`, `bad`, `open`, `strong`, `quiet` or empty."""


def joined(parts: Iterable[tuple[Iterable[Line], Line, Sequence[Line]]]) -> Iterator[Line]:
    """The whole text of a run: what is said about each model, then the verdict of each in one line.

    What stands below a verdict on the last screen does so where there is one model.
    """
    verdicts: list[Line] = []
    below: Sequence[Line] = ()
    for lines, verdict, last in parts:
        if verdicts:
            yield Line("")
        yield from lines
        below = () if verdicts else last
        verdicts.append(verdict)
    yield Line("")
    yield from verdicts
    yield from below


def told_apart(verdict: Line, profile: str) -> Line:
    """A verdict in one line with the profile that it was judged by, for runs with several."""
    named = f"  ({printable(profile, 80)})"
    return verdict if named in verdict.text else verdict._replace(text=f"{verdict.text}{named}")


def found_at(locations: Iterable[Location]) -> str:
    """`2 nodes`, `1 value`, `2 nodes and 1 value`: what a rule was found at.

    Each counts once. The places of the table of what decides are operators, and may be many nodes each.
    """
    nodes, values = set(), set()
    for location in locations:
        if location.index is None:
            values.add((location.scope, location.outputs))
        else:
            nodes.add((location.scope, location.index))
    counts = ((len(nodes), "node"), (len(values), "value"))
    return " and ".join(f"{count} {word}{'s' if count > 1 else ''}" for count, word in counts if count)


def place(location: Location) -> str:
    """Where a finding is, for a person."""
    if location.index is None:
        return f"network input or output {', '.join(printable(name) for name in location.outputs)}"
    name = printable(location.node) or f"-> {', '.join(printable(output, 60) for output in location.outputs)}"
    scope = f" in {printable(location.scope)}" if location.scope else ""
    op_type = f"{printable(location.domain, 60)}::" if location.domain else ""
    return f"[{location.index}] {name}  {op_type}{printable(location.op_type, 60)}{scope}"
