"""The difference of two audits, for people and programs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from safecheck import __version__
from safecheck.decisions.diff import Changes, Place, Side
from safecheck.finding import Location
from safecheck.render.audit.json import dumped, location_content, shown_path
from safecheck.text import printable

NOT_A_VERDICT = "This compares findings. It is no statement that either model is compliant: see `safecheck audit`."
SHOWN = 20


def text(changes: Changes) -> str:
    """One line per finding, new ones first; unchanged ones are counted."""
    return "".join(f"{line}\n" for line in _lines(changes))


def _lines(changes: Changes) -> Iterator[str]:
    for name, side in (("old", changes.old), ("new", changes.new)):
        yield f"{name}  {printable(side.path)}: {side.verdict}, {len(side.findings)} findings"
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
        yield f"  {place.verdict:<9}  {place.rule}  {_where(place.location)}  {place.fingerprint}"
    if len(places) > SHOWN:
        yield f"  and {len(places) - SHOWN} more (all are in --output json)"


def _where(location: Location) -> str:
    if location.index is None:
        return f"network input or output {', '.join(printable(name, 60) for name in location.outputs)}"
    name = printable(location.node) or f"-> {', '.join(printable(output, 60) for output in location.outputs)}"
    scope = f" in {printable(location.scope)}" if location.scope else ""
    return f"[{location.index}] {name} {printable(location.op_type, 60)}{scope}"


def json(changes: Changes) -> str:
    """Schema `safecheck/diff/1`."""
    return dumped(
        {
            "schema": "safecheck/diff/1",
            "tool": {"name": "safecheck", "version": __version__},
            "old": _side(changes.old),
            "new": _side(changes.new),
            "same_rules": changes.old.profile == changes.new.profile,
            "counts": {
                "new": len(changes.appeared),
                "fixed": len(changes.fixed),
                "unchanged": len(changes.unchanged),
            },
            "exit_code": changes.exit_code,
            "note": NOT_A_VERDICT,
            "findings": {
                "new": [_place(place) for place in changes.appeared],
                "fixed": [_place(place) for place in changes.fixed],
                "unchanged": [_place(place) for place in changes.unchanged],
            },
        }
    )


def _side(side: Side) -> dict[str, Any]:
    return {
        "path": shown_path(side.path),
        "sha256": side.sha256,
        "profile": side.profile.split(" ")[0],
        "verdict": side.verdict,
    }


def _place(place: Place) -> dict[str, Any]:
    return {
        "rule": place.rule,
        "verdict": str(place.verdict),
        "fingerprint": place.fingerprint,
        "location": location_content(place.location),
    }


FORMATS: dict[str, Callable[[Changes], str]] = {"text": text, "json": json}
