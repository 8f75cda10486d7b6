"""Folders to work in that are gone afterwards, however the run ended: by itself, by a signal, or by the next run.

The one who works in a folder holds a lock on it, which the system takes away when the process ends. What is not locked
is left over from a run that was killed.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress

PREFIX = ".safecheck-work-"


@contextmanager
def working_folder(parent: str | None = None) -> Iterator[str]:
    """A new folder in `parent`, by default that for temporary files; what killed runs left there is removed.

    Raises:
        OSError: it cannot be made.
    """
    sweep(parent)
    folder, lock = _made(parent)
    try:
        yield folder
    finally:
        _remove(folder)
        os.close(lock)


def sweep(parent: str | None = None) -> None:
    """Remove the folders in `parent` that nobody works in any more."""
    import tempfile  # a run that writes no file does without

    with suppress(OSError), os.scandir(parent or tempfile.gettempdir()) as entries:
        for entry in entries:
            if entry.name.startswith(PREFIX) and entry.is_dir(follow_symlinks=False):
                _remove_unlocked(entry.path)


def _made(parent: str | None) -> tuple[str, int]:
    import tempfile

    while True:
        folder = tempfile.mkdtemp(dir=parent, prefix=PREFIX)
        lock = -1
        with suppress(FileNotFoundError, BlockingIOError):  # another run is sweeping it, not knowing whose it will be
            lock = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
            _lock(lock)
            if os.path.isdir(folder):
                return folder, lock
        if lock >= 0:
            os.close(lock)


def _remove(folder: str) -> None:
    import shutil

    shutil.rmtree(folder, ignore_errors=True)


def _remove_unlocked(folder: str) -> None:
    with suppress(OSError):  # somebody works in it, it is another user's, or it has just gone
        lock = os.open(folder, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            if os.fstat(lock).st_uid == os.getuid() and _lock(lock):
                _remove(folder)
        finally:
            os.close(lock)


def _lock(descriptor: int) -> bool:
    """Whether the lock is ours now; False on a file system without locks, where nothing is ever swept.

    Raises:
        BlockingIOError: another process holds it.
    """
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise
    except OSError:
        return False
    return True
