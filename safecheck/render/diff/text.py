"""The difference of two audits, for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from safecheck.decisions.diff import Changes, Place
from safecheck.finding import Location
from safecheck.text import printable

NOT_A_VERDICT = "This compares findings. It is no statement that either model is compliant: see `safecheck audit`."
SHOWN = 20


def document(changes: Changes) -> str:
    """One line per finding, new ones first; unchanged ones are counted."""
    return "".join(f"{line}\n" for line in _lines(changes))


def _lines(changes: Changes) -> Iterator[str]:
    for name, side in (("old", changes.old), ("new", changes.new)):
        yield f"{name}  {printable(side.path)}: {printable(side.verdict, 40)}, {len(side.findings)} findings"
    if changes.old.profile != changes.new.profile:
        yield "     the rules are not the same: another version of the profile was used"
    for heading, places in (("NEW", changes.appeared), ("FIXED", changes.fixed)):
        yield ""
        yield f"{heading}  {len(places)} findings"
        yield from _some(places)
    yield ""
    yield f"UNCHANGED  {len(changes.unchanged)} findings"
    yield NOT_A_VERDICT


def _some(places: Sequence[Place]) -> Iterator[str]:
    for place in places[:SHOWN]:
        verdict, rule, fingerprint = (printable(word, 80) for word in (place.verdict, place.rule, place.fingerprint))
        yield f"  {verdict:<9}  {rule}  {_where(place.location)}  {fingerprint}"
    if len(places) > SHOWN:
        yield f"  and {len(places) - SHOWN} more (all are in --output json)"


def _where(location: Location) -> str:
    if location.index is None:
        return f"network input or output {', '.join(printable(name, 60) for name in location.outputs)}"
    name = printable(location.node) or f"-> {', '.join(printable(output, 60) for output in location.outputs)}"
    scope = f" in {printable(location.scope)}" if location.scope else ""
    return f"[{location.index}] {name} {printable(location.op_type, 60)}{scope}"
