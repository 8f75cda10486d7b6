"""What Ctrl-C leaves: which of the files that a command writes are there, said in one line."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from safecheck.cli.output import note, some


@contextmanager
def keeping(paths: Iterable[str | None], besides: str = "") -> Iterator[None]:
    """Watch the files that are written inside; an interrupt says which are complete, and what else was kept."""
    before = {path: _state(path) for path in paths if path is not None}
    try:
        yield
    except KeyboardInterrupt:
        new = [path for path, state in before.items() if _state(path) != state]
        kept = f"written and complete: {some(new)}" if new else "no file was written"
        note(f"interrupted; {kept}, what was there is as it was{f'; {besides}' if besides else ''}")
        raise


def _state(path: str) -> tuple[int, int] | None:
    """Tells one file from the next under its name: every output is put there whole."""
    try:
        found = os.stat(path)
    except (OSError, ValueError):
        return None
    return found.st_ino, found.st_mtime_ns
