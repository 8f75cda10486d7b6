"""The file of deviation records: `deviations.yaml`, read strictly.

What is not written as a record is refused with file, line and key. What is written as one but counts for nothing
(nobody approved it, it has expired, ...) is read, so that reports can list it and say why.
"""

from __future__ import annotations

import datetime
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from safecheck.decisions.files import read
from safecheck.errors import UsageError
from safecheck.ir.finding_id import LENGTH
from safecheck.strict.yaml import Entry
from safecheck.text import printable

SCHEMA = "safecheck/deviations/1"
ID_TODO = "write it like DEV-7"
STATES = ("draft", "approved", "withdrawn")
PROSE = ("rationale", "risk", "mitigation", "requested_by", "approved_by", "ticket")
"""Keys that must be filled in for a record to count."""
_DATES = ("approved_on", "expires_on")
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z")
_SHA256 = re.compile(r"[0-9a-f]{64}\Z")
_FINGERPRINT = re.compile(rf"[0-9a-f]{{{LENGTH}}}\Z")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")


@dataclass(frozen=True, slots=True)
class Record:
    """One record as written; whether it counts is another question (see `deviations`)."""

    id: str
    rule: str
    model_sha256: str
    """SHA-256 of the model file; empty where the record is bound to fingerprints alone."""
    fingerprints: tuple[str, ...]
    """Fingerprints of findings; empty where the record is bound to the model alone."""
    prose: dict[str, str]
    """Rationale, risk, mitigation, requested_by, approved_by and ticket; empty where nothing is filled in."""
    approved_on: datetime.date | None
    expires_on: datetime.date | None
    max_count: int
    status: str
    place: str
    """File and line of the record, without the folder where that is an absolute path: reports show it."""
    rule_place: str
    """File, line and key of its rule."""
    file_sha256: str = ""
    """SHA-256 of the file it stands in."""


def records(paths: Iterable[str]) -> tuple[Record, ...]:
    """All records of the files, in order.

    Raises:
        UsageError: a file is broken, or two records have one id.
    """
    found: dict[str, Record] = {}
    for path in paths:
        recorded, sha256 = read(path, "DEV", _records)
        for record in recorded:
            if record.id in found:
                what = f"the id '{record.id}' is already taken at {found[record.id].place}"
                raise UsageError("SC-DEV-ID", record.place, what, "give every record an id of its own")
            found[record.id] = replace(record, file_sha256=sha256)
    return tuple(found.values())


def _records(root: Entry) -> list[Record]:
    keys = root.mapping(required=("deviations",), optional=("schema",))
    if "schema" in keys:
        keys["schema"].choice([SCHEMA])
    return [_record(entry) for entry in keys["deviations"].sequence()]


def _record(entry: Entry) -> Record:
    keys = entry.mapping(required=("id", "rule", "scope", *PROSE, *_DATES, "max_count"), optional=("status",))
    scope = keys["scope"].mapping(optional=("model", "fingerprints"))
    if not scope:
        keys["scope"].fail("a record must be bound to something", "give model: SHA-256, fingerprints: [...], or both")
    return Record(
        id=_id(keys["id"]),
        rule=keys["rule"].text(),
        model_sha256=_hash(scope["model"], _SHA256, 64) if "model" in scope else "",
        fingerprints=_fingerprints(scope["fingerprints"]) if "fingerprints" in scope else (),
        prose={name: _prose(keys[name]) for name in PROSE},
        approved_on=date_of(keys["approved_on"]),
        expires_on=date_of(keys["expires_on"]),
        max_count=_count(keys["max_count"]),
        status=keys["status"].choice(STATES) if "status" in keys else "approved",
        place=_place(entry),
        rule_place=keys["rule"].crumb,
    )


def _place(entry: Entry) -> str:
    folder = os.path.dirname(entry.file) if os.path.isabs(entry.file) else ""
    return entry.crumb[len(folder) :].lstrip(os.sep) if folder else entry.crumb


def bad_id(text: str) -> str:
    """What is wrong with a text as the id of a record; empty if nothing is."""
    return "" if _ID.match(text) else f"'{printable(text, 60)}': an id is letters, digits, dots, dashes and underscores"


def _id(entry: Entry) -> str:
    text = entry.text()
    if what := bad_id(text):
        entry.fail(what, ID_TODO)
    return text


def _hash(entry: Entry, pattern: re.Pattern[str], length: int) -> str:
    value = entry.scalar()
    if isinstance(value, str) and any(sign in value for sign in "*?["):
        entry.fail("a scope is never a wildcard", "name the model or the findings one by one")
    if not isinstance(value, str) or not pattern.match(value):
        entry.fail(f"expected {length} lower-case hexadecimal digits", "copy it, quoted, from the JSON report")
    return value


def _fingerprints(entry: Entry) -> tuple[str, ...]:
    found = [_hash(part, _FINGERPRINT, LENGTH) for part in entry.sequence()]
    if not found:
        entry.fail("a list without fingerprints binds the record to nothing", "name the findings, or leave the key out")
    if len(set(found)) < len(found):
        entry.fail("a fingerprint is listed twice", "keep one of them")
    return tuple(found)


def _prose(entry: Entry) -> str:
    value = entry.scalar()
    if not isinstance(value, str):
        entry.fail("expected a text", "quote the value")
    return value.strip()


def date_of(entry: Entry) -> datetime.date | None:
    """A day as `2026-11-30`; None for an empty text."""
    text = _prose(entry)
    if not text:
        return None
    day = day_of(text)
    if day is None:
        entry.fail(f"'{printable(text, 40)}' is not a day", "write it like 2026-11-30")
    return day


def day_of(text: str) -> datetime.date | None:
    """`2026-11-30` as a date; None if it is none."""
    if not _DATE.match(text):
        return None
    try:
        return datetime.date.fromisoformat(text)
    except ValueError:
        return None


def _count(entry: Entry) -> int:
    value = entry.scalar()
    if type(value) is not int or value < 1:
        entry.fail("expected how many findings the record may cover, at least 1", "write it like max_count: 4")
    return value
