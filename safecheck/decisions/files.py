"""Reading the files in which a team keeps its decisions: deviations and baselines."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import TypeVar

from safecheck.errors import RuleFileError, UsageError
from safecheck.strict.content import UnreadableError, content
from safecheck.strict.yaml import MAX_BYTES, Entry, load
from safecheck.text import printable

T = TypeVar("T")


def read(path: str, family: str, parse: Callable[[Entry], T], limit: int = MAX_BYTES) -> tuple[T, str]:
    """What `parse` makes of a YAML (or JSON) file of at most `limit` bytes, and the file's SHA-256.

    Raises:
        UsageError: `SC-<family>-FILE` if the file cannot be read or says something it must not, with file, line and
            key; `SC-<family>-YAML` if it is not YAML.
    """
    try:
        found = content(path, limit, f"{limit} bytes")
    except UnreadableError as error:
        raise UsageError(f"SC-{family}-FILE", printable(path), str(error), "give a readable file") from error
    try:
        return parse(load(found.decode("utf-8"), printable(path), limit)), hashlib.sha256(found).hexdigest()
    except UnicodeDecodeError as error:
        line = found[: error.start].count(b"\n") + 1
        raise UsageError(f"SC-{family}-FILE", f"{printable(path)}:{line}", "not UTF-8 text", "save it so") from error
    except RuleFileError as error:
        code = f"SC-{family}-YAML" if error.code == "SC-CFG-YAML" else f"SC-{family}-FILE"
        raise UsageError(code, error.where, error.what, error.todo) from error
