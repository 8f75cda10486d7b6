"""Files with rules of one's own: read strictly, and named as what they are."""

from __future__ import annotations

import os

from safecheck.errors import UsageError
from safecheck.strict.yaml import MAX_BYTES
from safecheck.text import printable


def read_text(path: str) -> str:
    """The text of a profile file; UsageError if it cannot be read."""
    try:
        if not os.path.isfile(path):
            reason = "not a file" if os.path.exists(path) else "there is no such file"
            raise UsageError("SC-CFG-PROFILE", printable(path), reason, "give a readable profile file")
        with open(path, encoding="utf-8") as file:
            return file.read(MAX_BYTES + 1)  # of what is longer, `load` says so
    except (OSError, UnicodeDecodeError) as error:
        reason = str(error.strerror) if isinstance(error, OSError) else "not UTF-8 text"
        raise UsageError("SC-CFG-PROFILE", printable(path), reason, "give a readable profile file") from error


def own_name(path: str) -> str:
    """What a profile that rests on no shipped one is called; without the folder, which a report does not name."""
    return f"own profile {printable(os.path.basename(path), 80)}, not shipped"
