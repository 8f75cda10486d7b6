"""What is in the index of a Git repository: the files that are tracked, and what their Git LFS pointers promise."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable, Mapping, Sequence

from safecheck.errors import UsageError
from safecheck.intake.sniff import is_lfs_pointer, lfs_oid

_POINTER_BYTES = 1024
"""Git LFS never writes a longer pointer."""


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
            with open(os.path.join(folder, ".gitattributes"), "rb") as file:
                if b"filter=lfs" in file.read(1 << 20):
                    return True
        except OSError:
            continue
    return False


def staged_pointers(root: str, paths: Sequence[str]) -> Mapping[str, str | None]:
    """Path -> SHA-256 that the index promises (None: unreadable), for the paths that are Git LFS pointers there.

    Raises:
        UsageError: git cannot be run.
    """
    names = {path: os.path.relpath(os.path.realpath(path), os.path.realpath(root)) for path in paths}
    asked = [path for path in paths if "\n" not in names[path]]
    if not asked:
        return {}
    lines = _git(root, ["cat-file", "--batch-check"], "".join(f":{names[path]}\n" for path in asked)).splitlines()
    small: list[tuple[str, str, int]] = []
    for path, line in zip(asked, lines, strict=True):
        words = line.rsplit(b" ", 2)  # of a file that is not in the index: ":its name missing"
        if len(words) == 3 and words[1] == b"blob" and int(words[2]) <= _POINTER_BYTES:
            small.append((path, words[0].decode(), int(words[2])))
    content = _git(root, ["cat-file", "--batch"], "".join(f"{blob}\n" for _, blob, _ in small)) if small else b""
    found: dict[str, str | None] = {}
    position = 0
    for path, _, size in small:
        start = content.index(b"\n", position) + 1
        text = content[start : start + size]
        position = start + size + 1
        if is_lfs_pointer(text):
            found[path] = lfs_oid(text)
    return found


def tracked(root: str, patterns: Sequence[str]) -> list[str]:
    """Absolute paths of the files in the index that match Git's patterns.

    Raises:
        UsageError: git cannot be run.
    """
    listed = _git(root, ["ls-files", "-z", "--", *patterns])
    return [os.path.join(root, os.fsdecode(name)) for name in listed.split(b"\0") if name]


def _git(root: str, arguments: Sequence[str], stdin: str = "") -> bytes:
    # the environment stays: in a hook it says which index holds what is about to be committed
    command = ["git", "-C", root, "-c", "core.fsmonitor=false", *arguments]
    try:
        return subprocess.run(command, input=os.fsencode(stdin), capture_output=True, check=True, timeout=60).stdout
    except FileNotFoundError as error:
        raise UsageError("SC-ENV-GIT", "git", "it is not installed", "install git") from error
    except subprocess.SubprocessError as error:
        said = getattr(error, "stderr", None) or b""
        reason = os.fsdecode(said).strip().partition("\n")[0][:200] or type(error).__name__
        raise UsageError("SC-ENV-GIT", f"git {arguments[0]}", reason, "run it by hand to see why") from error
