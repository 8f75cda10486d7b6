"""Whether the working tree of a Git repository is what its commit holds.

`git status` would ask filters of the repository what a file is as a blob, and believe the index about files that it
says are unchanged. Here every file is hashed as it is.
"""

from __future__ import annotations

import hashlib
import os
import stat
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from safecheck.errors import UsageError
from safecheck.intake.git import SECONDS, complaint, git
from safecheck.intake.git_index import Entry, entries, pointers
from safecheck.text import printable

_CHUNK = 4 << 20
_TEXT_BYTES = 16 << 20
"""Longer files are not looked through for the line ends of another system."""
_LINK, _SUBMODULE = "120000", "160000"


@dataclass(frozen=True, slots=True)
class State:
    """The state of one repository."""

    root: str
    """Its top folder."""
    commit: str
    """The commit that is checked out; empty where there is none yet or git could not be asked."""
    changes: tuple[str, ...]
    """Paths, relative to the root, that differ from the commit or are untracked."""
    problem: str
    """Why git could not be asked; empty if it could."""


def root_of(path: str) -> str | None:
    """The top folder of the working tree that a file or folder lies in; None outside a repository."""
    folder = os.path.realpath(path)
    while True:
        if os.path.lexists(os.path.join(folder, ".git")):
            return folder
        parent = os.path.dirname(folder)
        if parent == folder:
            return None
        folder = parent


def state_of(root: str) -> State:
    """Compare the working tree with the index, and the index with the commit."""
    try:
        commit = git(root, "rev-parse", "--verify", "--quiet", "HEAD^{commit}")
        head = os.fsdecode(commit.stdout).strip() if commit.returncode == 0 else ""
        listed = list(entries(root))
        changed = set(_staged(root, head)) if head else {entry.path for entry in listed}
        changed.update(_differing(root, listed))
        changed.update(
            _names(root, "ls-files", "-z", "-o", "--exclude-standard", "--directory", "--no-empty-directory")
        )
    except subprocess.TimeoutExpired:
        return State(root, "", (), f"git took longer than {SECONDS} seconds")
    except OSError as error:
        return State(root, "", (), f"git could not be started ({error.strerror})")
    except UsageError as error:
        return State(root, "", (), f"git failed: {error.what.replace(printable(root), os.curdir)}")
    return State(root, head, tuple(sorted(changed)), "")


def is_tracked(root: str, path: str) -> bool:
    """Whether git keeps a file of this repository; False as well if git cannot be asked."""
    try:
        return (
            git(root, "--literal-pathspecs", "ls-files", "--error-unmatch", "--", os.path.realpath(path)).returncode
            == 0
        )
    except (subprocess.TimeoutExpired, OSError):
        return False


def committed(root: str, path: str) -> bytes | None:
    """The content of a file in the commit that is checked out; None where there is none.

    Raises:
        UsageError: git cannot be asked.
    """
    name = os.path.relpath(os.path.realpath(path), root)
    try:
        done = git(root, "cat-file", "blob", f"HEAD:{name}")
    except (subprocess.TimeoutExpired, OSError) as error:
        what = f"it could not be asked what the last commit holds of {printable(name)}"
        raise UsageError("SC-ENV-GIT", "git", what, "run it by hand to see why") from error
    return done.stdout if done.returncode == 0 else None


def ignored(root: str, paths: Sequence[str]) -> set[str]:
    """Those of the paths that Git ignores; none where git cannot be asked. Tracked files are not ignored."""
    names: dict[str, list[str]] = {}
    for path in paths:
        inside = os.path.join(os.path.realpath(os.path.dirname(path) or os.curdir), os.path.basename(path))
        # git would read a name that begins with a colon as a pattern
        names.setdefault(f"./{os.path.relpath(inside, root)}", []).append(path)
    try:
        done = git(root, "check-ignore", "-z", "--stdin", stdin=b"".join(os.fsencode(name) + b"\0" for name in names))
    except (subprocess.TimeoutExpired, OSError):
        return set()
    if done.returncode:  # 1: none is ignored
        return set()
    return {path for name in os.fsdecode(done.stdout).split("\0") for path in names.get(name, ())}


def _staged(root: str, head: str) -> Iterator[str]:
    """Paths whose index entry is not that of the commit."""
    quiet = ("--no-ext-diff", "--no-textconv", "--no-renames", "--ignore-submodules=none")
    return _names(root, "diff-index", "--cached", "-z", "--name-only", *quiet, head, "--")


def _names(root: str, *command: str) -> Iterator[str]:
    done = git(root, *command)
    if done.returncode:
        raise UsageError("SC-ENV-GIT", "git", printable(complaint(done)), "run it by hand to see why")
    return (os.fsdecode(name) for name in done.stdout.split(b"\0") if name)


def _differing(root: str, listed: Sequence[Entry]) -> Iterator[str]:
    """Paths whose file is not the one in the index."""

    @cache
    def has_links(folder: str) -> bool:
        return os.path.relpath(os.path.realpath(os.path.join(root, folder)), root) != (folder or os.curdir)

    other = []
    for entry in listed:
        path = os.path.join(root, entry.path)
        if not entry.merged or has_links(os.path.dirname(entry.path)):
            yield entry.path
        elif entry.mode == _SUBMODULE:
            yield from _of_submodule(entry, path)
        elif not _is_same(entry, path):
            other.append(entry)
    promised = pointers(root, {entry.oid for entry in other})
    for entry in other:
        oid = promised.get(entry.oid)
        if oid is None or _digest(os.path.join(root, entry.path), "sha256", b"") != oid:
            yield entry.path


def _of_submodule(entry: Entry, path: str) -> Iterator[str]:
    if not os.path.lexists(os.path.join(path, ".git")):
        return  # it was never fetched
    state = state_of(path)
    if state.problem or state.changes or state.commit != entry.oid:
        yield entry.path


def _is_same(entry: Entry, path: str) -> bool:
    """Whether a file is the blob of its entry, as it is or with the line ends of another system."""
    algorithm = "sha1" if len(entry.oid) == 40 else "sha256"
    try:
        seen = os.lstat(path)
        if entry.mode == _LINK:
            content = os.fsencode(os.readlink(path))
            return _blob(content, algorithm) == entry.oid
        if not stat.S_ISREG(seen.st_mode):
            return False
        if _digest(path, algorithm, f"blob {seen.st_size}\0".encode()) == entry.oid:
            return True
        if seen.st_size > _TEXT_BYTES:
            return False
        with open(path, "rb") as file:
            content = file.read(_TEXT_BYTES)
        return b"\0" not in content and _blob(content.replace(b"\r\n", b"\n"), algorithm) == entry.oid
    except FileNotFoundError:
        return entry.sparse
    except OSError:
        return False


def _blob(content: bytes, algorithm: str) -> str:
    return hashlib.new(algorithm, f"blob {len(content)}\0".encode() + content, usedforsecurity=False).hexdigest()


def _digest(path: str, algorithm: str, head: bytes) -> str | None:
    """The hash of a regular file behind `head`; None if it cannot be read."""
    digest = hashlib.new(algorithm, head, usedforsecurity=False)
    try:
        with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
    except OSError:
        return None
    return digest.hexdigest()
