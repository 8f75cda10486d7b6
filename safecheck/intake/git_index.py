"""What is in the index of a Git repository: the files that are tracked, and what their Git LFS pointers promise."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from safecheck.errors import UsageError
from safecheck.intake.git import SECONDS, complaint, git
from safecheck.intake.sniff import is_lfs_pointer, lfs_oid
from safecheck.strict.content import UnreadableError, content
from safecheck.text import printable
from safecheck.values import dataclass

_POINTER_BYTES = 1024
"""Git LFS never writes a longer pointer."""
_ATTRIBUTES_BYTES = 100 << 20
"""Git ignores a larger `.gitattributes` (`ATTR_MAX_FILE_SIZE`, since 2.39.1)."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A file in the index."""

    path: str
    """Relative to the top of the working tree, with forward slashes."""
    mode: str
    """`100644` or `100755` a file, `120000` a link, `160000` the commit of a submodule."""
    oid: str
    """Of its content, as a blob."""
    merged: bool
    """False for one of the sides of a conflict."""
    sparse: bool
    """Whether it may be missing in the working tree, because the checkout is a partial one."""


def uses_lfs(root: str, paths: Iterable[str]) -> bool:
    """Whether some `.gitattributes` on the way to one of the paths names Git LFS; costs no process."""
    folders = set()
    for path in paths:
        folder = os.path.dirname(os.path.realpath(path))
        while folder not in folders and len(folder) >= len(root):
            folders.add(folder)
            folder = os.path.dirname(folder)
    for folder in folders:
        try:
            if b"filter=lfs" in content(os.path.join(folder, ".gitattributes"), _ATTRIBUTES_BYTES, ""):
                return True
        except UnreadableError:
            continue
    return False


def entries(root: str, *, staged: bool = False) -> Iterator[Entry]:
    """All files in the index; with `staged`, in the one that a hook was called for.

    Raises:
        UsageError: git cannot be asked.
    """
    for line in _ask(root, "ls-files", "-z", "-s", "-t", staged=staged).split(b"\0"):
        if line:
            about, _, path = line.partition(b"\t")
            tag, mode, oid, stage = about.decode("ascii").split(" ")
            yield Entry(os.fsdecode(path), mode, oid, stage == "0", tag == "S")


def staged_pointers(root: str, paths: Sequence[str]) -> Mapping[str, str | None]:
    """Path -> SHA-256 that the index promises (None: unreadable), for the paths that are Git LFS pointers there.

    Raises:
        UsageError: git cannot be asked.
    """
    names: dict[str, list[str]] = {}
    for path in paths:
        names.setdefault(os.path.relpath(os.path.realpath(path), root), []).append(path)
    found = {path: entry.oid for entry in entries(root, staged=True) for path in names.get(entry.path, ())}
    promised = pointers(root, set(found.values()), staged=True)
    return {path: promised[oid] for path, oid in found.items() if oid in promised}


def pointers(root: str, oids: Collection[str], *, staged: bool = False) -> Mapping[str, str | None]:
    """For each of the blobs that is a Git LFS pointer, the SHA-256 that it promises (None: unreadable).

    Raises:
        UsageError: git cannot be asked.
    """
    if not oids:
        return {}
    asked = "".join(f"{oid}\n" for oid in oids).encode()
    lines = _ask(root, "cat-file", "--batch-check", stdin=asked, staged=staged).decode("ascii").splitlines()
    words = [line.split(" ") for line in lines]  # of an object that is not there: "its id missing"
    small = [parts[0] for parts in words if parts[1:2] == ["blob"] and int(parts[2]) <= _POINTER_BYTES]
    asked = "".join(f"{oid}\n" for oid in small).encode()
    content = _ask(root, "cat-file", "--batch", stdin=asked, staged=staged) if small else b""
    found: dict[str, str | None] = {}
    position = 0
    for oid in small:
        head, _, _ = content[position:].partition(b"\n")
        start = position + len(head) + 1
        end = start + int(head.split(b" ")[2])
        if is_lfs_pointer(content[start:end]):
            found[oid] = lfs_oid(content[start:end])
        position = end + 1
    return found


def tracked_models(root: str) -> list[str]:
    """Absolute paths of the models in the index that a hook was called for.

    Raises:
        UsageError: git cannot be asked.
    """
    found = {entry.path for entry in entries(root, staged=True) if entry.path.lower().endswith(".onnx")}
    return [os.path.join(root, path) for path in sorted(found)]


def _ask(root: str, command: str, *arguments: str, stdin: bytes = b"", staged: bool) -> bytes:
    try:
        done = git(root, command, *arguments, stdin=stdin, staged=staged)
    except FileNotFoundError as error:
        raise UsageError("SC-ENV-GIT", "git", "it is not installed", "install git") from error
    except TimeoutError as error:
        what = f"it took longer than {SECONDS} seconds"
        raise UsageError("SC-ENV-GIT", f"git {command}", what, "run it by hand to see why") from error
    except OSError as error:
        raise UsageError("SC-ENV-GIT", "git", f"it could not be started ({error.strerror})", "see why") from error
    if done.returncode:
        raise UsageError("SC-ENV-GIT", f"git {command}", printable(complaint(done)), "run it by hand to see why")
    return done.stdout
