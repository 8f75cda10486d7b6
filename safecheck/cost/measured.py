"""Measurements that users bring, as JSON of schema `safecheck/measurements/1` or as CSV (`docs/measurements.md`).

JSON: `{"schema": "safecheck/measurements/1", "measurements": [{...}]}`, to which `safecheck bench` adds `tool`,
`machine`, `settings` and `not_measured`; CSV: a header line with the same names. Fields of a measurement:
`model` (SHA-256 of the model file, or its file name), `metric`, `value`, `unit`, and `batch` and `precision` where the
metric depends on them, and optionally `device`, `versions`, `date`.
"""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from io import StringIO
from pathlib import Path
from typing import Any, NoReturn

from safecheck.errors import UsageError
from safecheck.strict.content import UnreadableError, text
from safecheck.strict.json import parsed
from safecheck.strict.yaml import suggest
from safecheck.text import printable

SCHEMA = "safecheck/measurements/1"
METRICS = {
    "top-1": "%", "top-5": "%", "latency": "ms", "latency-p95": "ms", "latency-p99": "ms", "gpu-time": "ms",
    "throughput": "frames/s", "memory-traffic": "MB/frame",
}  # fmt: skip
"""Every metric has one unit, so that values can be set side by side."""
PRECISIONS = ("fp32", "tf32", "fp16", "bf16", "fp8", "int8", "mixed")
_REQUIRED = ("model", "metric", "value", "unit")
_OPTIONAL = ("batch", "precision", "device", "versions", "date")
_ABOUT: dict[str, type] = {"tool": dict, "machine": dict, "settings": dict, "not_measured": list}
"""What `safecheck bench` says about its measurements: for people, and no part of what is compared."""
_MAX_BYTES = 16 << 20
_MAX_TEXT = 200
_DECIMAL = re.compile(r"-?[0-9]{1,18}(\.[0-9]{1,18})?([eE][-+]?[0-9]{1,3})?\Z", re.ASCII)
_WHOLE = re.compile(r"[0-9]{1,9}\Z", re.ASCII)


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
        return self.model in (sha256, Path(path).name)


def refuse_ambiguous(measurements: Iterable[Measurement], paths: Sequence[str]) -> None:
    """Refuse what cannot be attributed to one model, or says two things about one.

    Raises:
        UsageError: a measurement names a file of which there are several, or contradicts another one.
    """
    seen: dict[tuple[object, ...], float] = {}
    for part in measurements:
        if sum(Path(path).name == part.model for path in paths) > 1:
            name = printable(part.model, 60)
            _refuse("--measured", f"'{name}' is the name of several models", "name the model by its SHA-256")
        key = (part.model, part.metric, part.batch, part.precision, part.device, part.versions, part.date)
        if seen.setdefault(key, part.value) != part.value:
            what = f"{printable(part.metric, 40)} of '{printable(part.model, 60)}' is given as two values"
            _refuse("--measured", what, "keep one, or say what differs: batch, precision, device, versions or date")


def read_measurements(path: str) -> list[Measurement]:
    """All measurements of a file.

    Raises:
        UsageError: the file cannot be read, or something in it is not as documented; says where.
    """
    try:
        found = text(path, _MAX_BYTES, f"{_MAX_BYTES >> 20} MiB").removeprefix("\ufeff")
    except UnreadableError as error:
        _refuse(path, str(error), "give a readable .json or .csv file, one per campaign")
    return _from_csv(path, found) if path.lower().endswith(".csv") else _from_json(path, found)


def _from_json(path: str, content: str) -> list[Measurement]:
    try:
        found = parsed(content)
    except UnreadableError as error:
        _refuse(path, str(error), "write it as documented, or give a .csv file")
    if not isinstance(found, dict) or found.get("schema") != SCHEMA:
        _refuse(path, f'the schema is not "{SCHEMA}"', "add it")
    unknown = [key for key in found if key not in ("schema", "measurements", *_ABOUT)]
    if unknown:
        _refuse(path, f"unknown key '{printable(str(unknown[0]), 60)}'", "keep schema and measurements")
    for key, kind in _ABOUT.items():
        if not isinstance(found.get(key, kind()), kind):
            _refuse(path, f"{key} is no {'list' if kind is list else 'object'}", "leave it as safecheck bench wrote it")
    entries = found.get("measurements")
    if not isinstance(entries, list):
        _refuse(path, "measurements is not a list", "write a list of objects")
    return [_measurement(f"{path}: measurements[{at}]", entry) for at, entry in enumerate(entries)]


def _from_csv(path: str, text: str) -> list[Measurement]:
    reader = csv.DictReader(StringIO(text), strict=True)
    try:
        names = reader.fieldnames or ()
        rows = list(reader)
    except csv.Error as error:
        _refuse(path, f"it is not CSV: {error}", "write a header line and one line per measurement")
    if not names:
        _refuse(path, "there is no header line", f"begin with {','.join(_REQUIRED)}")
    if len(set(names)) < len(names):
        _refuse(path, "the header names a column twice", "keep one of them")
    found = []
    for line, row in enumerate(rows, 2):
        where = f"{path}: line {line}"
        if None in row or None in row.values():
            _refuse(where, "not as many values as the header has names", "add or remove a value")
        given: dict[str, Any] = {key: value for key, value in row.items() if value != ""}
        for name, kind, pattern in (("value", float, _DECIMAL), ("batch", int, _WHOLE)):
            if name in given:
                if not pattern.match(given[name]):
                    _refuse(where, f"{name} '{printable(given[name], 40)}' is no number", "write digits")
                given[name] = kind(given[name])
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
    texts = {key: _text(where, key, entry.get(key, "")) for key in known if key not in ("value", "batch")}
    metric = texts["metric"]
    if metric not in METRICS:
        hint = suggest(metric, METRICS)
        _refuse(where, f"no metric '{printable(metric, 40)}'{hint}", f"use one of: {', '.join(METRICS)}")
    if texts["unit"] != METRICS[metric]:
        _refuse(where, f"{metric} is not in '{printable(texts['unit'], 20)}'", f"give it in {METRICS[metric]}")
    if texts["precision"] and texts["precision"] not in PRECISIONS:
        _refuse(where, f"no precision '{printable(texts['precision'], 20)}'", f"use one of: {', '.join(PRECISIONS)}")
    if texts["date"] and not _is_date(texts["date"]):
        _refuse(where, f"'{printable(texts['date'], 20)}' is no date", "write it like 2026-01-31")
    batch = entry.get("batch")
    if batch is not None and (isinstance(batch, bool) or not isinstance(batch, int) or not 1 <= batch < 10**9):
        _refuse(where, "batch is no positive integer", "write 1 or more")
    if METRICS[metric] != "%":
        for key, given in (("batch", batch), ("precision", texts["precision"])):
            if not given:
                _refuse(where, f"{metric} without a {key} says nothing", f"add the {key}")
    return Measurement(value=_value(where, metric, entry["value"]), batch=batch, **texts)


def _value(where: str, metric: str, value: object) -> float:
    # An integer can be too large for a float, so the range is asked first.
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 1e15:
        _refuse(where, "value is no finite number", "write a number")
    assert math.isfinite(value)
    if value < 0 or (METRICS[metric] == "%" and value > 100):
        _refuse(where, f"{metric} cannot be {value:g} {METRICS[metric]}", "correct it")
    return float(value)


def _text(where: str, key: str, text: object) -> str:
    if not isinstance(text, str) or (key in ("model", "metric", "unit") and not text.strip()):
        _refuse(where, f"{key} is no text", "write it in quotes")
    if len(text) > _MAX_TEXT:
        _refuse(where, f"{key} is longer than {_MAX_TEXT} characters", "shorten it")
    return text


def _is_date(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _refuse(where: str, what: str, todo: str) -> NoReturn:
    raise UsageError("SC-CFG-MEASURED", printable(where, 400), what, todo)
