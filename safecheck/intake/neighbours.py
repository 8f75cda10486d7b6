"""Which file may be meant by a mistyped path. What lies in a folder is anybody's: one name is shown, if it is inert."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from itertools import islice

from safecheck.strict.words import suggest
from safecheck.text import printable

_MOST = 1000
"""Entries of a folder that are looked at; where there are more, none is suggested."""
_PLAIN = re.compile(r"[\w+=@][\w .+=@-]{0,99}")
"""Names that cannot be taken for a part of the sentence, or for an option."""
_LONGEST = 255
"""No name of a file is longer, and comparing takes time."""


def similar(path: str) -> str:
    """` (did you mean 'model.onnx'?)` where a file beside a missing one is called so; else nothing.

    Only models, and files that end as the missing one does, are suggested; no link is followed.
    """
    folder, name = os.path.split(path)
    ends = (".onnx", os.path.splitext(name)[1].lower() or ".onnx")
    found: list[str] = []
    with suppress(OSError, ValueError), os.scandir(folder or os.curdir) as entries:
        near = (one for one in islice(entries, _MOST) if one.name.lower().endswith(ends) and _inert(one.name))
        found += [one.name for one in near if one.is_file(follow_symlinks=False)]
        if next(entries, None) is not None:
            return ""
    return suggest(name, sorted(found)) if len(name) <= _LONGEST else ""


def _inert(name: str) -> bool:
    return bool(_PLAIN.fullmatch(name)) and printable(name) == name
