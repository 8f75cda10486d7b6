"""Measurements that users bring: accuracy and latency, as JSON of schema `safecheck/measurements/1` or as CSV.

JSON: `{"schema": "safecheck/measurements/1", "measurements": [{...}]}`; CSV: a header line with the same names. Fields:
`model` (SHA-256 of the model file, or its file name), `metric`, `value`, `unit`, and optionally `batch`, `precision`,
`device`, `versions`, `date`.
"""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any, NoReturn

from safecheck.errors import UsageError
from safecheck.escape import printable
from safecheck.strict_yaml import suggest

SCHEMA = "safecheck/measurements/1"
_REQUIRED = ("model", "metric", "value", "unit")
_OPTIONAL = ("batch", "precision", "device", "versions", "date")
_MAX_BYTES = 16 << 20


@dataclass(frozen=True, slots=True)
class Measurement:
    """One measured value."""

    model: str
    """SHA-256 of the file, or its name."""
    metric: str
    value: float
    unit: str
    batch: int | None = None
    precision: str = ""
    device: str = ""
    versions: str = ""
    date: str = ""

    def is_of(self, path: str, sha256: str) -> bool:
        """Whether it was measured on this model."""
        return self.model in (sha256, Path(path).name, Path(path).stem)


def read_measurements(path: str) -> list[Measurement]:
    """All measurements of a file.

    Raises:
        UsageError: the file cannot be read, or something in it is not as documented; says where.
    """
    try:
        content = Path(path).read_bytes()
        if len(content) > _MAX_BYTES:
            _refuse(path, f"{len(content)} bytes are more than {_MAX_BYTES}", "keep one file per campaign")
        text = content.decode("utf-8-sig")
    except OSError as error:
        _refuse(path, f"it cannot be read: {error.strerror or error}", "check the path")
    except UnicodeDecodeError:
        _refuse(path, "it is not UTF-8", "save it as UTF-8")
    return _from_csv(path, text) if path.lower().endswith(".csv") else _from_json(path, text)


def _from_json(path: str, text: str) -> list[Measurement]:
    try:
        found = json.loads(text)
    except ValueError as error:
        _refuse(path, f"it is not JSON: {error}", "write it as documented, or give a .csv file")
    except RecursionError:
        _refuse(path, "it is nested too deeply", "write it as documented")
    if not isinstance(found, dict) or found.get("schema") != SCHEMA:
        _refuse(path, f'the schema is not "{SCHEMA}"', "add it")
    unknown = [key for key in found if key not in ("schema", "measurements")]
    if unknown:
        _refuse(path, f"unknown key '{printable(str(unknown[0]), 60)}'", "keep schema and measurements")
    entries = found.get("measurements")
    if not isinstance(entries, list):
        _refuse(path, "measurements is not a list", "write a list of objects")
    return [_measurement(f"{path}: measurements[{at}]", entry) for at, entry in enumerate(entries)]


def _from_csv(path: str, text: str) -> list[Measurement]:
    reader = csv.DictReader(StringIO(text), strict=True)
    try:
        rows = list(reader)
    except csv.Error as error:
        _refuse(path, f"it is not CSV: {error}", "write a header line and one line per measurement")
    if not reader.fieldnames:
        _refuse(path, "there is no header line", f"begin with {','.join(_REQUIRED)}")
    found = []
    for line, row in enumerate(rows, 2):
        where = f"{path}: line {line}"
        if None in row or None in row.values():
            _refuse(where, "not as many values as the header has names", "add or remove a value")
        given: dict[str, Any] = {key: value for key, value in row.items() if value != ""}
        for name, kind in (("value", float), ("batch", int)):
            if name in given:
                try:
                    given[name] = kind(given[name])
                except ValueError:
                    _refuse(where, f"{name} '{printable(given[name], 40)}' is no number", "write digits")
        found.append(_measurement(where, given))
    return found


def _measurement(where: str, entry: object) -> Measurement:
    if not isinstance(entry, Mapping):
        _refuse(where, "this is no object", "write the fields by name")
    known = (*_REQUIRED, *_OPTIONAL)
    for key in entry:
        if key not in known:
            _refuse(
                where, f"unknown key '{printable(str(key), 60)}'{suggest(str(key), known)}", f"use: {', '.join(known)}"
            )
    for key in _REQUIRED:
        if key not in entry:
            _refuse(where, f"{key} is missing", "add it")
    value, batch = entry["value"], entry.get("batch")
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        _refuse(where, "value is no finite number", "write a number")
    if batch is not None and (isinstance(batch, bool) or not isinstance(batch, int) or batch < 1):
        _refuse(where, "batch is no positive integer", "write 1 or more")
    texts: dict[str, str] = {}
    for key in ("model", "metric", "unit", "precision", "device", "versions", "date"):
        text = entry.get(key, "")
        if not isinstance(text, str) or (key in ("model", "metric") and not text.strip()):
            _refuse(where, f"{key} is no text", "write it in quotes")
        texts[key] = text
    return Measurement(value=float(value), batch=batch, **texts)


def _refuse(where: str, what: str, todo: str) -> NoReturn:
    raise UsageError("SC-CFG-MEASURED", printable(where, 400), what, todo)
