"""What differs between a report and its repetition, causes first: another model explains another finding.

Both are plain values of schema `safecheck/report/1`. Whatever is not compared by name is compared all the same, so that
no byte of a report can change unnoticed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from safecheck.text import printable

Report = Mapping[str, Any]
_GONE = object()
_SHOWN = 60


class Difference(NamedTuple):
    """One thing that is not the same."""

    subject: str
    """`model`, `weights`, `profile`, `tool`, `library`, `deviations`, `baseline`, `verdict`, `finding` or `report`."""
    text: str
    """What was recorded and what was found, in one line."""


def differences(recorded: Report, repeated: Report) -> tuple[Difference, ...]:
    """Everything that differs; empty where the two are equal."""
    return tuple(_all(recorded, repeated))


def _all(old: Report, new: Report) -> Iterator[Difference]:
    yield from _model(old["model"], new["model"])
    yield from _profile(old["profile"], new["profile"])
    yield from _tool(old["tool"], new["tool"])
    yield from _decisions(old, new)
    if old.get("verdict") != new["verdict"]:
        yield Difference("verdict", _changed(old.get("verdict"), new["verdict"]))
    yield from _findings(old["findings"], new["findings"])
    named = {"model", "profile", "tool", "deviations", "baseline", "verdict", "findings"}
    for pointer, was, now in walk(_without(old, named), _without(new, named)):
        yield Difference("report", f"{pointer}: {_changed(was, now)}")


def _model(old: Report, new: Report) -> Iterator[Difference]:
    if old.get("sha256") != new.get("sha256"):
        yield Difference("model", f"SHA-256 {_changed(old.get('sha256'), new.get('sha256'))}")
    was, now = _weights(old), _weights(new)
    for name in sorted(was.keys() | now.keys()):
        if was.get(name, _GONE) != now.get(name, _GONE):
            yield Difference("weights", f"{printable(name)}: SHA-256 {_changed(was.get(name), now.get(name))}")
    rest = {"sha256", "external_data", "path"}
    for pointer, one, other in walk(_without(old, rest), _without(new, rest)):
        yield Difference("model", f"{pointer}: {_changed(one, other)}")
    if was == now and old.get("external_data") != new.get("external_data"):
        yield Difference("weights", "order or sizes are not as recorded")


def _weights(model: Report) -> dict[str, Any]:
    files = model.get("external_data")
    entries = files if isinstance(files, list) else []
    return {str(part.get("path")): part.get("sha256") for part in entries if isinstance(part, dict)}


def _profile(old: Report, new: Report) -> Iterator[Difference]:
    for pointer, was, now in walk(old, new):
        yield Difference("profile", f"{pointer}: {_changed(was, now)}")


def _tool(old: Report, new: Report) -> Iterator[Difference]:
    was, now = old.get("libraries"), new["libraries"]
    for pointer, one, other in walk(was if isinstance(was, dict) else {}, now):
        yield Difference("library", f"{pointer}: {_changed(one, other)}")
    for pointer, one, other in walk(_without(old, {"libraries"}), _without(new, {"libraries"})):
        yield Difference("tool", f"{pointer}: {_changed(one, other)}")


def _decisions(old: Report, new: Report) -> Iterator[Difference]:
    for subject in ("deviations", "baseline"):
        for pointer, was, now in walk(old.get(subject), new[subject]):
            yield Difference(subject, f"{pointer}: {_changed(was, now)}" if pointer else _changed(was, now))


def _findings(old: Sequence[Any], new: Sequence[Any]) -> Iterator[Difference]:
    was, now = {_key(part): part for part in old}, {_key(part): part for part in new}
    for key in [*was, *(key for key in now if key not in was)]:
        if key not in now:
            yield Difference("finding", f"{key}: recorded, but not found again")
        elif key not in was:
            yield Difference("finding", f"{key}: found, but not recorded")
        else:
            for pointer, one, other in walk(was[key], now[key]):
                yield Difference("finding", f"{key}: {pointer}: {_changed(one, other)}")
    if len(was) < len(old) or (list(was) != list(now) and was.keys() == now.keys()):
        yield Difference("finding", "the order is not as recorded, or one stands twice")


def _key(finding: Any) -> str:
    """Rule and place of a finding."""
    if not isinstance(finding, dict) or not isinstance(finding.get("location"), dict):
        return "something that is no finding"
    at = finding["location"]
    outputs = at.get("outputs") if at.get("index") is None else ""
    return printable(f"{finding.get('rule')} at {at.get('scope') or ''}[{at.get('index')}] {at.get('node')} {outputs}")


def walk(old: Any, new: Any, pointer: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Where two JSON values differ: a path, and both values. 1 and 1.0 and true are not the same."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in [*old, *(key for key in new if key not in old)]:
            place = f"{pointer}.{printable(str(key), 60)}" if pointer else printable(str(key), 60)
            yield from walk(old.get(key, _GONE), new.get(key, _GONE), place)
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for at, (one, other) in enumerate(zip(old, new, strict=True)):
            yield from walk(one, other, f"{pointer}[{at}]")
    elif type(old) is not type(new) or old != new:
        yield pointer, old, new


def _without(found: Report, keys: set[str]) -> dict[str, Any]:
    return {key: value for key, value in found.items() if key not in keys}


def _changed(old: Any, new: Any) -> str:
    return f"{_shown(old)} in the report, {_shown(new)} now"


def _shown(value: Any) -> str:
    if value is _GONE or value is None:
        return "nothing"
    if isinstance(value, list):
        return f"{len(value)} entries"
    return "an object" if isinstance(value, dict) else printable(str(value), _SHOWN + 8)
