"""The content of a file that somebody names: a regular one, and no more of it than it may have."""

from __future__ import annotations

import os
import stat
from io import BufferedReader


class UnreadableError(Exception):
    """Why there is nothing to read, in a few words; whoever asked says which file and what to do."""


def open_regular(path: str) -> BufferedReader:
    """A regular file, open for reading; nobody waits for the other end of a pipe.

    Raises:
        UnreadableError: there is none, it is no regular file, or cannot be read.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        if stat.S_ISREG(os.fstat(descriptor).st_mode):
            return os.fdopen(descriptor, "rb")
        os.close(descriptor)
    except (OSError, ValueError) as error:
        if isinstance(error, FileNotFoundError) and not os.path.islink(path):
            raise UnreadableError("there is no such file") from error
        raise UnreadableError((error.strerror if isinstance(error, OSError) else None) or "cannot be read") from error
    raise UnreadableError("not a regular file")


def content(path: str, limit: int, shown: str) -> bytes:
    """The bytes of a file of at most `limit` bytes; `shown` is the limit as a reader is told it.

    Raises:
        UnreadableError: there is none, it is no regular file, too large, or cannot be read.
    """
    with open_regular(path) as file:
        try:
            found = file.read(limit + 1)
        except OSError as error:
            raise UnreadableError(error.strerror or "cannot be read") from error
    if len(found) > limit:
        raise UnreadableError(f"larger than {shown}")
    return found


def text(path: str, limit: int, shown: str) -> str:
    """The text of such a file in UTF-8, with a line feed at the end of each line.

    Raises:
        UnreadableError: as `content`, or it is not UTF-8.
    """
    try:
        return content(path, limit, shown).decode("utf-8").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise UnreadableError("not UTF-8 text") from error


def is_gone(path: str) -> bool:
    """Whether nothing is at a path. What may not be looked at may be there, which `os.path.lexists` denies."""
    try:
        os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return True
    except (OSError, ValueError):
        return False
    return False
