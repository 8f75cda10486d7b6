"""Files with rules of one's own: read strictly, and named as what they are."""

from __future__ import annotations

import os

from safecheck.errors import UsageError
from safecheck.strict.content import UnreadableError, text
from safecheck.strict.yaml import MAX_BYTES
from safecheck.text import printable


def read_text(path: str) -> str:
    """The text of a profile file; UsageError if it cannot be read."""
    try:
        return text(path, MAX_BYTES, f"{MAX_BYTES} bytes")
    except UnreadableError as error:
        raise UsageError("SC-CFG-PROFILE", printable(path), str(error), "give a readable profile file") from error


def own_name(path: str) -> str:
    """What a profile that rests on no shipped one is called; without the folder, which a report does not name."""
    return f"own profile {printable(os.path.basename(path), 80)}, not shipped"
