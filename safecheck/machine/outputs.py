"""All files that a run writes are one set: no two of them the same, and none that the run reads."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterable
from typing import NoReturn

from safecheck.errors import UsageError
from safecheck.text import printable


def refuse_clashes(outputs: Iterable[str], inputs: Iterable[str] = ()) -> None:
    """Refuse outputs that are the same file, or one of the inputs, by whatever name or link.

    Outputs need not exist: two names in one folder that differ by case, or by how accents are written, are one file on
    some systems, and so nowhere two outputs. Inputs exist, and the system tells whether they are the same.

    Raises:
        UsageError: SC-OUT-CLASH, which one and why.
    """
    outputs = list(outputs)
    if not outputs:
        return  # looking at thousands of inputs takes time
    taken: dict[object, str] = {}
    for path in inputs:
        if path != "-":
            taken |= dict.fromkeys((os.path.realpath(path), _identity(path)), "an input")
    taken.pop(None, None)
    for path in outputs:
        keys = (os.path.realpath(path), _identity(path), _folded(path))
        for key in keys:
            if key is not None and key in taken:
                refuse(path, f"this is {taken[key]}")
        taken |= {key: "another output" for key in keys if key is not None}


def refuse(path: str, what: str, todo: str = "write somewhere else") -> NoReturn:
    """Say of a path why nothing may be written there.

    Raises:
        UsageError: SC-OUT-CLASH.
    """
    raise UsageError("SC-OUT-CLASH", printable(path), what, todo)


def _identity(path: str) -> tuple[int, int] | None:
    """Device and inode, which all hard links of a file share; None if there is none."""
    try:
        found = os.stat(path)
    except (OSError, ValueError):
        return None
    return found.st_dev, found.st_ino


def _folded(path: str) -> tuple[object, str]:
    """The folder, and the name without what some file systems do not tell apart."""
    folder, name = os.path.split(os.path.realpath(path))
    return _identity(folder) or folder, unicodedata.normalize("NFC", name).casefold()
