"""Reading the files in which a team keeps its decisions: deviations and baselines."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from typing import TypeVar

from safecheck.errors import RuleFileError, UsageError
from safecheck.strict.yaml import MAX_BYTES, Entry, load
from safecheck.text import printable

T = TypeVar("T")


def read(path: str, family: str, parse: Callable[[Entry], T], limit: int = MAX_BYTES) -> tuple[T, str]:
    """What `parse` makes of a YAML (or JSON) file of at most `limit` bytes, and the file's SHA-256.

    Raises:
        UsageError: `SC-<family>-FILE` if the file cannot be read or says something it must not, with file, line and
            key; `SC-<family>-YAML` if it is not YAML.
    """
    content = _content(path, family, limit)
    try:
        return parse(load(content.decode("utf-8"), printable(path), limit)), hashlib.sha256(content).hexdigest()
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise UsageError(f"SC-{family}-FILE", f"{printable(path)}:{line}", "not UTF-8 text", "save it so") from error
    except RuleFileError as error:
        code = f"SC-{family}-YAML" if error.code == "SC-CFG-YAML" else f"SC-{family}-FILE"
        raise UsageError(code, error.where, error.what, error.todo) from error


def _content(path: str, family: str, limit: int) -> bytes:
    reason = "not a regular file"
    try:
        if os.path.isfile(path):
            with open(path, "rb") as file:
                content = file.read(limit + 1)
            if len(content) <= limit:
                return content
            reason = f"larger than {limit} bytes"
        elif not os.path.lexists(path):
            reason = "there is no such file"
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or "cannot be read"
    raise UsageError(f"SC-{family}-FILE", printable(path), reason, "give a readable file")
