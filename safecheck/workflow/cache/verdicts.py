"""Outcomes of audits by content: the model, the files it needs, the profile, the installation, and what was asked.

    key    = model's SHA-256, name it is shown by, profile, installation, options that change results
    entry  = the outcome, and the SHA-256 of every other file that it rests on

An entry counts only while all those files still have their content. Errors are never kept.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from safecheck.errors import InputError
from safecheck.intake.source import open_model
from safecheck.workflow.cache import store
from safecheck.workflow.cache.identity import installation

_KIND = "verdicts"


def sha256_of(path: str) -> str | None:
    """The hash of a file of the user's own, such as an overlay; None if it cannot be read."""
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except (OSError, ValueError):
        return None


class Verdicts:
    """What is kept under one set of options."""

    def __init__(self, options: Mapping[str, str]) -> None:
        self._options = options

    def get(self, path: str, profile: str) -> dict[str, Any] | None:
        """The outcome for a model whose content, weights and profile are those of an earlier run; None if unknown."""
        if path == "-":
            return None
        try:
            with open_model(path) as source:
                key = self._key(path, profile, source.sha256())
                entry = store.get(_KIND, key) if key is not None else None
                if entry is None or source.folder is None or not _holds(entry, source.folder, source.file_id):
                    return None
        except InputError:
            return None  # the audit itself says what is wrong
        outcome: dict[str, Any] = entry["outcome"]
        return outcome

    def put(
        self, path: str, profile: str, sha256: str, weights: Iterable[tuple[str, str]], rules: Sequence[str],
        outcome: Mapping[str, Any],
    ) -> None:  # fmt: skip
        """Keep an outcome: of the model with this hash, its weights (location, hash) and the files of its profile."""
        key = self._key(path, profile, sha256)
        hashes = [(file, sha256_of(file)) for file in rules]
        if path == "-" or key is None or any(found is None for _, found in hashes):
            return
        store.put(_KIND, key, {"weights": list(weights), "rules": hashes, "outcome": outcome})

    def _key(self, path: str, profile: str, sha256: str) -> str | None:
        identity = installation()
        if identity is None:
            return None
        return store.key_of({**self._options, "of": identity, "path": path, "profile": profile, "model": sha256})


def _holds(entry: dict[str, Any], folder: Path, model_id: tuple[int, int]) -> bool:
    """Whether the files that the outcome rests on are as they were, checked like an audit checks them."""
    if any(sha256_of(path) != sha256 for path, sha256 in entry["rules"]):
        return False
    if entry["weights"]:
        from safecheck.intake.external import sha256_at

        return all(sha256_at(folder, location, model_id) == sha256 for location, sha256 in entry["weights"])
    return True
