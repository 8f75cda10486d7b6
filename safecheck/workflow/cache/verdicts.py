"""Outcomes of audits by content: the model, the files it needs, the profile, the installation, and what was asked.

    key    = model's SHA-256, name it is shown by, profile, installation, options that change results
    entry  = the outcome, and the SHA-256 of every other file that it rests on

An entry counts only while all those files still have their content. Errors are never kept.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from safecheck.errors import InputError
from safecheck.intake.source import open_model
from safecheck.workflow.cache import store
from safecheck.workflow.cache.identity import installation

if TYPE_CHECKING:  # what is kept is used without knowing what a report is
    from datetime import date

    from safecheck.audit.report import Report
    from safecheck.usecases.checks import Checks

_KIND = "verdicts"


def sha256_of(path: str) -> str | None:
    """The hash of a file of the user's own, such as an overlay; None if it cannot be read."""
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except (OSError, ValueError):
        return None


def verdicts_of(
    models: Sequence[tuple[str, str]], checks: Checks, formats: Iterable[str], confined: str, day: date | None
) -> Verdicts | None:
    """The verdicts of runs that were asked the same about models (path, profile); None if none can be kept.

    `confined` is the folder that overlays must lie in, `day` that of `checks`.
    """
    if not checks.lasts:
        return None
    options = {"confined": confined, "formats": " ".join(sorted(formats))}
    if checks.decisions:
        files = [(path, sha256_of(path)) for path in checks.decisions]
        hashes = [(path, name, sha256_of(path)) for path, name in models]
        if any(entry[-1] is None for entry in (*files, *hashes)):
            return None
        options |= {
            "deviations": repr(files[: len(checks.deviations)]),
            "baseline": repr(files[len(checks.deviations) :]),
            "day": str(day) if checks.deviations else "",
            "run": store.key_of({"models": repr(hashes)}),
        }
    return Verdicts(options, together=bool(checks.decisions))


class Verdicts:
    """What is kept under one set of options.

    With `together` each outcome depends on all models of its run: they count all, or none.
    """

    def __init__(self, options: Mapping[str, str], together: bool = False) -> None:
        self._options = options
        self._together = together

    def of(self, models: Iterable[tuple[str, str]]) -> list[dict[str, Any] | None]:
        """The outcome for each path and profile; None where it is unknown."""
        found = [self._get(path, profile) for path, profile in models]
        return [None] * len(found) if self._together and not all(found) else found

    def _get(self, path: str, profile: str) -> dict[str, Any] | None:
        """The outcome for a model whose content, weights and profile are those of an earlier run."""
        if path == "-":
            return None
        try:
            with open_model(path) as source:
                key = self._key(path, profile, source.sha256())
                entry = store.get(_KIND, key) if key is not None else None
                if entry is None or source.folder is None or not _holds(entry, source.folder, source.file_id):
                    return None
            outcome: dict[str, Any] = entry["outcome"]
        except InputError:
            return None  # the audit itself says what is wrong
        except (AttributeError, KeyError, TypeError, ValueError):
            return None  # an odd entry is as if it were not there
        return outcome

    def put(self, path: str, profile: str, report: Report, outcome: Mapping[str, Any]) -> None:
        """Keep the outcome of a report, unless it could come out differently another time."""
        if path == "-" or report.model is None or report.model.inference_problem:
            return
        key = self._key(path, profile, report.model.sha256)
        hashes = [(file, sha256_of(file)) for file in report.profile.files]
        if key is None or any(found is None for _, found in hashes):
            return
        weights = [(file.path, file.sha256) for file in report.model.external_data]
        store.put(_KIND, key, {"weights": weights, "rules": hashes, "outcome": outcome})

    def _key(self, path: str, profile: str, sha256: str) -> str | None:
        identity = installation()
        if identity is None:
            return None
        return store.key_of({**self._options, "of": identity, "path": path, "profile": profile, "model": sha256})


def _holds(entry: dict[str, Any], folder: str, model_id: tuple[int, int]) -> bool:
    """Whether the files that the outcome rests on are as they were, checked like an audit checks them."""
    if any(sha256_of(path) != sha256 for path, sha256 in entry["rules"]):
        return False
    if entry["weights"]:
        from safecheck.intake.external import sha256_at

        return all(sha256_at(folder, location, model_id) == sha256 for location, sha256 in entry["weights"])
    return True
