"""The content of a file that somebody names: a regular one, and no more of it than it may have."""

from __future__ import annotations

import os


class UnreadableError(Exception):
    """Why there is nothing to read, in a few words; whoever asked says which file and what to do."""


def content(path: str, limit: int, shown: str) -> bytes:
    """The bytes of a file of at most `limit` bytes; `shown` is the limit as a reader is told it.

    Raises:
        UnreadableError: there is none, it is no regular file, too large, or cannot be read.
    """
    try:
        if not os.path.isfile(path):
            raise UnreadableError("not a regular file" if os.path.lexists(path) else "there is no such file")
        with open(path, "rb") as file:
            found = file.read(limit + 1)
    except (OSError, ValueError) as error:
        raise UnreadableError((error.strerror if isinstance(error, OSError) else None) or "cannot be read") from error
    if len(found) > limit:
        raise UnreadableError(f"larger than {shown}")
    return found
