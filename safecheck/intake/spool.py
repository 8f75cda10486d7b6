"""Standard input that can be read twice."""

from __future__ import annotations

import os
import sys
import tempfile
from io import BufferedReader, BufferedWriter, FileIO, TextIOWrapper

from safecheck.errors import InputError
from safecheck.intake.source import SIZE_LIMIT


def twice_readable_stdin() -> FileIO | None:
    """Put a file in the place of standard input, for those who read the model a second time; None if it is closed.

    Raises:
        InputError: there is no room for the model.
    """
    if sys.stdin is None:
        return None
    descriptor, name = tempfile.mkstemp(prefix="safecheck-")
    os.unlink(name)
    spool = FileIO(descriptor, "r+")
    writer = BufferedWriter(spool)
    left = SIZE_LIMIT + 1  # one byte more than is read of a model
    try:
        while left and (chunk := sys.stdin.buffer.read(min(left, 4 << 20))):
            left -= writer.write(chunk)
        writer.flush()
    except OSError as error:
        what = f"it cannot be kept: {error.strerror}"
        raise InputError("SC-IO-READ", "standard input", what, "give the path of a file") from error
    writer.detach()
    spool.seek(0)
    sys.stdin = TextIOWrapper(BufferedReader(spool))
    return spool
