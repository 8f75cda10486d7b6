"""Whether what was judged is what Git has: with Git LFS the index holds the hash of a file, not the file."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping

from safecheck.cli.output import note
from safecheck.intake.git_index import staged_pointers, uses_lfs
from safecheck.intake.repository import root_of
from safecheck.text import printable


def differing(hashes: Mapping[str, str], is_staged: bool) -> list[str]:
    """Files whose content is not the one that their Git LFS pointer in the index promises, each with a line about it.

    `hashes` are of what was judged. For a commit (`is_staged`) a difference is an error, for other runs a note: the
    file is somebody's work.
    """
    by_root: dict[str, list[str]] = {}
    by_folder: dict[str, list[str]] = {}
    for path in hashes:
        by_folder.setdefault(os.path.dirname(path), []).append(path)
    for folder, inside in by_folder.items():
        root = root_of(folder)
        if root is not None:
            by_root.setdefault(root, []).extend(inside)
    found = []
    for root, inside in by_root.items():
        if not uses_lfs(root, inside):
            continue
        for path, oid in staged_pointers(root, inside).items():
            if hashes[path] == oid:
                continue
            found.append(path)
            what = f"its SHA-256 is {hashes[path]}, the Git LFS pointer in the index promises {oid or 'no SHA-256'}"
            if is_staged:
                note(
                    f"error[SC-IO-LFS-MISMATCH]: {printable(path)}: {what}; run: git add {shlex.quote(printable(path))}"
                )
            else:
                note(f"note: {printable(path)}: this is not the committed content: {what}")
    return found
