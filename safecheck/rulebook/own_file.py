"""Files with rules of one's own: read strictly, and named as what they are."""

from __future__ import annotations

import os
from collections.abc import Iterable

from safecheck.errors import UsageError
from safecheck.strict.content import UnreadableError, text
from safecheck.strict.yaml import MAX_BYTES, Entry
from safecheck.text import hides, printable


def read_text(path: str) -> str:
    """The text of a profile file; UsageError if it cannot be read."""
    try:
        return text(path, MAX_BYTES, f"{MAX_BYTES} bytes")
    except UnreadableError as error:
        raise UsageError("SC-CFG-PROFILE", printable(path), str(error), "give a readable profile file") from error


def refuse_hidden(entry: Entry) -> None:
    """Refuse a profile in which something is not visible: its titles, limits and advice are shown as they stand.

    Raises:
        RuleFileError: SC-CFG-RULE, with file, line and key.
    """
    parts: Iterable[tuple[str, Entry]] = ()
    if entry.is_mapping:
        parts = entry.items().items()
    elif entry.is_sequence:
        parts = (("", part) for part in entry.sequence())
    elif hides(entry.tree[2]):
        entry.fail(f"'{printable(entry.tree[2], 60)}' has characters that cannot be seen", "write visible text")
    for key, part in parts:
        if hides(key):
            part.fail("the key has characters that cannot be seen", "write visible text")
        refuse_hidden(part)


def own_name(path: str) -> str:
    """What a profile that rests on no shipped one is called; without the folder, which a report does not name."""
    return f"own profile {printable(os.path.basename(path), 80)}, not shipped"
