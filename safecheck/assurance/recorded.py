"""A JSON report that somebody hands over: read strictly, for nothing in it is believed before it has been repeated."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from safecheck.errors import UsageError
from safecheck.strict import json
from safecheck.strict.content import UnreadableError, content
from safecheck.text import printable

MAX_BYTES = 256 << 20
_TODO = "write it with `safecheck audit MODEL --output json=FILE`"
_OBJECTS = ("tool", "model", "profile", "coverage")
_LISTS = ("findings", "notes", "allowances", "assumptions")
_OF_FIX = "whole_model"


@dataclass(frozen=True, slots=True)
class Recorded:
    """One report of schema `safecheck/report/1`."""

    file: str
    """As given."""
    sha256: str
    """Of the file."""
    content: Mapping[str, Any]
    text: str
    """As it stands in the file."""

    @property
    def profile(self) -> Mapping[str, Any]:
        """Id, version, hash and target of what the model was judged by."""
        found: Mapping[str, Any] = self.content["profile"]
        return found

    @property
    def model(self) -> Mapping[str, Any]:
        """Path, hash and size of the model, and of its weights."""
        found: Mapping[str, Any] = self.content["model"]
        return found


def read(path: str) -> Recorded:
    """The report in a file.

    Raises:
        UsageError: it cannot be read, or is no JSON report on one model.
    """
    return parsed(path, _bytes(path))


def parsed(path: str, data: bytes) -> Recorded:
    """The report that a file holds; `path` is what it is called.

    Raises:
        UsageError: this is no JSON report on one model.
    """
    found = _parsed(path, data)
    if _OF_FIX in found.content:
        what = "this is what `safecheck fix` reported: rewrites are repeated by fixing again"
        raise UsageError("SC-VER-REPORT", printable(path), what, "give the JSON report of an audit of the fixed model")
    return found


def read_fix(path: str, sha256: str) -> Recorded:
    """What `fix` reported about the model with this SHA-256 that it wrote.

    Raises:
        UsageError: it cannot be read, is no report of `fix`, or is on another model.
    """
    found, todo = _parsed(path, _bytes(path)), "write it with `safecheck fix MODEL -o FIXED.onnx --output json=FILE`"
    if _OF_FIX not in found.content:
        raise UsageError("SC-EVI-FIX", printable(path), "this is no report of `safecheck fix`", todo)
    if found.model.get("sha256") != sha256:
        what = f"it is about the model {printable(str(found.model.get('sha256')), 16)}, not {sha256[:16]}…"
        raise UsageError("SC-EVI-FIX", printable(path), what, todo)
    return found


def _parsed(path: str, data: bytes) -> Recorded:
    try:
        content = json.parsed(data)
    except UnreadableError as error:
        raise _broken(path, str(error)) from error
    if not isinstance(content, dict) or content.get("schema") != "safecheck/report/1":
        raise _broken(path, "not a report on one model of schema safecheck/report/1")
    if not all(isinstance(content.get(key), dict) for key in _OBJECTS):
        raise _broken(path, f"a report has {', '.join(_OBJECTS)} as objects")
    if not all(isinstance(content.get(key), list) for key in _LISTS):
        raise _broken(path, f"a report has {', '.join(_LISTS)} as lists")
    if not all(isinstance(content["profile"].get(key), str) for key in ("id", "sha256")):
        raise _broken(path, "it does not say what the model was judged by")
    if not isinstance(content["model"].get("path"), str):
        raise _broken(path, "it does not name the model")
    if not isinstance(content["model"].get("external_data") or [], list):
        raise _broken(path, "it does not list the weights of the model")
    return Recorded(path, hashlib.sha256(data).hexdigest(), content, data.decode("utf-8"))


def _bytes(path: str) -> bytes:
    try:
        return content(path, MAX_BYTES, f"{MAX_BYTES >> 20} MiB")
    except UnreadableError as error:
        raise _broken(path, str(error)) from error


def _broken(path: str, what: str) -> UsageError:
    return UsageError("SC-VER-REPORT", printable(path), what, _TODO)
