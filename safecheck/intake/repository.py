"""What git says about the folder of a file: the commit, and whether anything differs from it.

git runs as a child, without the hooks and monitors that a repository can configure, with a time limit, and without
taking locks.
"""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass

from safecheck.text import printable

_SECONDS = 30
_SAFE = ("-c", "core.fsmonitor=false", "-c", f"core.hooksPath={os.devnull}", "-c", "core.quotePath=false")


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
    """Ask git about a repository."""
    try:
        status = _git(root, "status", "--porcelain=v1", "-z", "--untracked-files=normal", "--no-renames")
        if status.returncode:
            return State(root, "", (), _complaint(status))
        commit = _git(root, "rev-parse", "--verify", "--quiet", "HEAD")
    except subprocess.TimeoutExpired:
        return State(root, "", (), f"git took longer than {_SECONDS} seconds")
    except OSError as error:
        return State(root, "", (), f"git could not be started ({error.strerror})")
    changes = tuple(entry[3:] for entry in _text(status.stdout).split("\0") if entry)
    return State(root, _text(commit.stdout).strip() if commit.returncode == 0 else "", changes, "")


def is_tracked(root: str, path: str) -> bool:
    """Whether git keeps a file of this repository; False as well if git cannot be asked."""
    try:
        return _git(root, "ls-files", "--error-unmatch", "--", os.path.realpath(path)).returncode == 0
    except (subprocess.TimeoutExpired, OSError):
        return False


def _git(root: str, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    # A hook sets GIT_DIR and GIT_INDEX_FILE for its own repository; here the folder alone decides.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    environment |= {"GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
    return subprocess.run(
        ["git", *_SAFE, "-C", root, *arguments],
        stdin=subprocess.DEVNULL, capture_output=True, timeout=_SECONDS, env=environment, check=False,
    )  # fmt: skip


def _complaint(done: subprocess.CompletedProcess[bytes]) -> str:
    first = _text(done.stderr).strip().splitlines()[:1]
    return f"git failed: {printable(first[0]) if first else f'exit code {done.returncode}'}"


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")
