"""The ledger: who audited what with which result, one line each, every line bound to the one before it.

A line is JSON with sorted keys. `hash` is the SHA-256 of the line without it; `previous` is the hash of the line
before, so a line that is changed, removed, added or moved breaks the chain there. Whoever rewrites the whole file is
caught by the commit that holds the older one (`grown_from`), or by a signature of the last hash.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from safecheck.assurance.recorded import Recorded
from safecheck.errors import UsageError
from safecheck.strict.content import UnreadableError, content
from safecheck.strict.json import parsed
from safecheck.strict.lookalike import letters
from safecheck.text import printable

NAME = "safecheck-ledger.jsonl"
"""Where a repository keeps it, unless its configuration says otherwise."""
SCHEMA = "safecheck/ledger/1"
MAX_BYTES = 256 << 20
MAX_LINES = 1 << 20
"""More than fit into `MAX_BYTES`; a file of short lines, which are no entries, would take much more memory."""
_FIRST = "0" * 64
_LETTERS = 2
_PARTS = {
    "model": {"path", "sha256", "weights"},
    "profile": {"id", "version", "sha256"},
    "tool": {"version", "libraries"},
    "findings": {"forbidden", "unproven", "deviated"},
}
_KEYS = {"schema", "entry", "previous", "date", "by", "verdict", "exit_code", "report_sha256", "hash", *_PARTS}

Entry = Mapping[str, Any]


def lines_of(path: str) -> list[str]:
    """The lines of a ledger; none where there is no file yet.

    Raises:
        UsageError: it cannot be read.
    """
    if not os.path.lexists(path):
        return []
    try:
        found = content(path, MAX_BYTES, f"{MAX_BYTES >> 20} MiB").decode("utf-8")
    except UnreadableError as error:
        raise _broken(path, str(error)) from error
    except UnicodeDecodeError as error:
        raise _broken(path, "not UTF-8 text") from error
    if found.count("\n") > MAX_LINES:
        raise _broken(path, f"more than {MAX_LINES} lines")
    return found.removesuffix("\n").split("\n") if found else []


def faults(lines: Sequence[str]) -> Iterator[str]:
    """Where the chain does not hold, one line each; none where it does."""
    previous = _FIRST
    for number, line in enumerate(lines, 1):
        entry = _parsed(line)
        if entry is None:
            yield f"line {number} is no entry"
            previous = ""
            continue
        if entry["hash"] != _hash(entry):
            yield f"line {number} is not what was written: its hash is another"
        elif line != _line(entry):
            yield f"line {number} is not as safecheck writes it"
        if previous and entry["previous"] != previous:
            yield f"line {number} does not follow line {number - 1}" if number > 1 else "the first entries are missing"
        elif entry["entry"] != number:
            yield f"line {number} says that it is entry {printable(str(entry['entry']), 20)}"
        previous = str(entry["hash"])


def entries(path: str) -> list[Entry]:
    """The entries of a ledger whose chain holds.

    Raises:
        UsageError: it cannot be read, or the chain is broken.
    """
    lines = lines_of(path)
    if found := next(faults(lines), None):
        todo = "restore the file from its repository, and ask who changed it"
        raise UsageError("SC-LEDGER-CHAIN", printable(path), found, todo)
    return [json.loads(line) for line in lines]


def grown_from(lines: Sequence[str], earlier: Sequence[str]) -> str:
    """Why `lines` is not `earlier` with entries added; empty if it is."""
    for number, (line, was) in enumerate(zip(lines, earlier, strict=False), 1):
        if line != was:
            return f"line {number} is not the one that the last commit holds"
    missing = len(earlier) - len(lines)
    return f"{missing} entries of the last commit are missing at the end" if missing > 0 else ""


def appended(path: str, reports: Sequence[Recorded], by: str, day: date) -> tuple[str, list[Entry]]:
    """The text of the ledger with the reports added, and the new entries. What a report says is taken as it stands.

    Raises:
        UsageError: the chain is broken, `by` is no name, a report is on a model that could not be read, or nobody could
            read the ledger again, so long would it be.
    """
    if letters(by) < _LETTERS:
        raise UsageError("SC-LEDGER-NAME", "--by", f"'{printable(by, 60)}' is no name of a person", "say who audited")
    known = entries(path)
    previous = str(known[-1]["hash"]) if known else _FIRST
    new: list[Entry] = []
    for number, report in enumerate(reports, len(known) + 1):
        entry = _entry(report, number, previous, by, day)
        new.append(entry)
        previous = str(entry["hash"])
    text = "".join(f"{_line(entry)}\n" for entry in (*known, *new))
    if len(text) > MAX_BYTES:  # ASCII
        what = f"it would be larger than {MAX_BYTES >> 20} MiB"
        raise UsageError("SC-LEDGER-FILE", printable(path), what, "keep this one, and begin another")
    return text, new


def _entry(report: Recorded, number: int, previous: str, by: str, day: date) -> Entry:
    model, content = report.model, report.content
    if not isinstance(model.get("sha256"), str):
        raise UsageError("SC-LEDGER-REPORT", printable(report.file), "the model could not be read", "audit it first")
    external = model.get("external_data")
    weights = {str(part.get("path")): part.get("sha256") for part in external or () if isinstance(part, dict)}
    found: dict[str, Any] = {
        "schema": SCHEMA,
        "entry": number,
        "previous": previous,
        "date": str(day),
        "by": by,
        "model": {"path": model["path"], "sha256": model["sha256"], "weights": weights},
        "profile": {key: report.profile.get(key) for key in sorted(_PARTS["profile"])},
        "tool": {key: content["tool"].get(key) for key in sorted(_PARTS["tool"])},
        "verdict": content.get("verdict"),
        "exit_code": content.get("exit_code"),
        "findings": {key: content["coverage"].get(key) for key in sorted(_PARTS["findings"])},
        "report_sha256": report.sha256,
    }
    return {**found, "hash": _hash(found)}


def changes(before: Entry, after: Entry) -> list[str]:
    """What is not the same in two entries on one model: why a verdict may have changed."""
    found = []
    if before["model"]["sha256"] != after["model"]["sha256"]:
        found.append("model")
    if before["model"]["weights"] != after["model"]["weights"]:
        found.append("weights")
    if before["profile"]["id"] != after["profile"]["id"]:
        found.append("target")
    elif before["profile"] != after["profile"]:
        found.append("rulebook")
    if before["tool"]["version"] != after["tool"]["version"]:
        found.append("tool")
    if before["tool"]["libraries"] != after["tool"]["libraries"]:
        found.append("libraries")
    return found


def _parsed(line: str) -> Entry | None:
    try:
        found = parsed(line)
    except UnreadableError:
        return None
    if not isinstance(found, dict) or found.keys() != _KEYS or found["schema"] != SCHEMA:
        return None
    whole = all(isinstance(found[key], dict) and found[key].keys() == names for key, names in _PARTS.items())
    return found if whole else None


def _hash(entry: Entry) -> str:
    return hashlib.sha256(_line({key: value for key, value in entry.items() if key != "hash"}).encode()).hexdigest()


def _line(entry: Entry) -> str:
    return json.dumps(entry, sort_keys=True, ensure_ascii=True, separators=(",", ":"))


def _broken(path: str, what: str) -> UsageError:
    return UsageError("SC-LEDGER-FILE", printable(path), what, "give a ledger that `safecheck ledger add` wrote")
