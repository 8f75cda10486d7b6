"""Outcomes of audits by content: the model, the files it needs, the profile, the installation, and what was asked.

    key    = model's SHA-256, name it is shown by, profile, installation, options that change results
    entry  = the outcome, and the SHA-256 of every other file that it rests on

An entry counts only while all those files still have their content. Errors are never kept.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from safecheck.errors import InputError
from safecheck.intake.source import hashed
from safecheck.limits import raised
from safecheck.strict.content import UnreadableError, open_regular
from safecheck.workflow.cache import store
from safecheck.workflow.cache.identity import installation

if TYPE_CHECKING:  # what is kept is used without knowing what a report is
    from datetime import date

    from safecheck.audit.report import Report
    from safecheck.usecases.checks import Checks

_KIND, _PACKS = "verdicts", "packs"


def sha256_of(path: str) -> str | None:
    """The hash of a file of the user's own, such as an overlay; None if it cannot be read."""
    try:
        with open_regular(path) as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except (OSError, UnreadableError):
        return None


Source = Callable[[str], dict[str, Any] | None]
"""Where entries are found by their key."""
Rules = list[tuple[str, str | None]]
"""Files that a profile was read from, with their SHA-256; None for one that cannot be read."""
CACHE: Source = partial(store.get, _KIND)


def rules_of(files: Iterable[str]) -> Rules:
    """The files of one's own that a profile was read from, by content."""
    return [(file, sha256_of(file)) for file in files]


States = Mapping[str, str | None]
"""Address -> what its keeper said of the content that was read there; None where it tells nothing."""


def identity_of(path: str, sha256: str, states: States) -> str:
    """What a file at a path or address is known by: the hash of its content, elsewhere what its keeper said of it.

    Empty where there is neither.
    """
    if sha256 and "://" in path:
        return f"remote {state}" if (state := states.get(path)) is not None else ""
    return sha256


def _identity_now(url: str) -> str:
    from safecheck.intake.remote import state_of  # what is here is looked at without it

    return identity_of(url, "?", {url: state_of(url)})


def record_of(path: str, report: Report, rules: Rules, outcome: Mapping[str, Any], states: States) -> bytes:
    """What is kept of a report: its outcome, and what that rests on besides the model."""
    files = report.model.external_data if report.model is not None else ()
    weights = [(file.path, identity_of(_beside(path, file.path), file.sha256, states)) for file in files]
    return store.text_of({"weights": weights, "rules": rules, "outcome": outcome})


def verdicts_of(
    models: Sequence[tuple[str, str]], checks: Checks, formats: Iterable[str], confined: str, day: date | None
) -> Verdicts | None:
    """The verdicts of runs that were asked the same about models (path, profile); None if none can be kept.

    `confined` is the folder that overlays must lie in, `day` that of `checks`.
    """
    options = {"confined": confined, "formats": " ".join(sorted(formats)), "vendor": repr(checks.scope_check)}
    if limits := raised():  # what is beyond one of them has another exit code
        options["limits"] = repr(sorted(limits.items()))
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
        found = [self.entry(path, profile, [CACHE]) for path, profile in models]
        if self._together and not all(entry for _, entry in found):
            return [None] * len(found)
        return [None if entry is None else entry["outcome"] for _, entry in found]

    def entry(self, path: str, profile: str, sources: Iterable[Source]) -> tuple[str | None, dict[str, Any] | None]:
        """What one of the sources has of a model whose content, weights and profile are those of an earlier run.

        With it the key that the outcome of this model is kept under; None where it has none.
        """
        key = None
        if path == "-":
            return key, None
        if "://" in path:
            identity = _identity_now(path)
            key = self.key(path, profile, identity) if identity else None
            entry = next((entry for look in sources if key is not None and (entry := look(key)) is not None), None)
            return key, entry if entry is not None and _holds_elsewhere(entry, path) else None
        model = hashed(path)
        if model is None:
            return None, None  # the audit itself says what is wrong
        key = self.key(path, profile, model[0])
        with suppress(InputError, AttributeError, KeyError, TypeError, ValueError):  # odd is as if it were not there
            for look in sources if key is not None else ():
                entry = look(str(key))
                if entry is None or not isinstance(entry["outcome"], dict):
                    continue
                if _holds(entry, os.path.dirname(path) if entry["weights"] else None, model[1]):
                    return key, entry
        return key, None

    def put(self, path: str, profile: str, report: Report, record: bytes) -> None:
        """Keep the record of a report, unless it could come out differently another time."""
        if report.model is not None and lasts(path, report):
            self.keep(self.key(path, profile, report.model.sha256), record)

    def keep(self, key: str | None, record: bytes) -> None:
        """Keep a record in the cache under the key of its model."""
        if key is not None:
            store.put(_KIND, key, record)

    def key(self, path: str, profile: str, sha256: str) -> str | None:
        """What an outcome is kept under; None where it is not known what made it."""
        identity = installation()
        if identity is None:
            return None
        return store.key_of({**self._options, "of": identity, "path": path, "profile": profile, "model": sha256})


def lasts(path: str, report: Report) -> bool:
    """Whether a report comes out the same another time: nothing failed, and no limit was met."""
    return path != "-" and report.model is not None and not report.model.inference_problem


def _beside(path: str, location: str) -> str:
    return f"{path.rpartition('/')[0]}/{location}"


def _holds_elsewhere(entry: dict[str, Any], path: str) -> bool:
    """The same for a model at an address: what its keeper says about its files is what it said."""
    try:
        if any(sha256 is None or sha256_of(file) != sha256 for file, sha256 in entry["rules"]):
            return False
        found = [(identity, _identity_now(_beside(path, location))) for location, identity in entry["weights"]]
        return all(before and before == now for before, now in found)
    except (KeyError, TypeError, ValueError):
        return False


def _holds(entry: dict[str, Any], folder: str | None, model_id: tuple[int, int]) -> bool:
    """Whether the files that the outcome rests on are as they were, checked like an audit checks them."""
    if any(sha256 is None or sha256_of(path) != sha256 for path, sha256 in entry["rules"]):
        return False
    if folder is not None:
        from safecheck.intake.external import sha256_at

        return all(sha256_at(folder, location, model_id) == sha256 for location, sha256 in entry["weights"])
    return True


class Pack:
    """The entries of a whole run in one: a run over the same models reads one file instead of one for each.

    It is kept and believed like any other entry, and nothing depends on it.
    """

    def __init__(self, verdicts: Verdicts, models: Sequence[tuple[str, str]]) -> None:
        self._key = verdicts.key("", "", store.key_of({"models": repr(models)}))
        found = store.get(_PACKS, self._key) if self._key is not None else None
        self._entries: dict[str, dict[str, Any]] = found if found is not None else {}
        self._is_new = False

    def get(self, key: str) -> dict[str, Any] | None:
        """The entry under a key."""
        return self._entries.get(key)

    def add(self, key: str | None, entry: dict[str, Any]) -> None:
        """One more entry of this run."""
        if key is not None and key not in self._entries:
            self._entries[key] = entry
            self._is_new = True

    def keep(self) -> None:
        """Keep what is new in it, for the next run."""
        if self._is_new and self._key is not None:
            store.put(_PACKS, self._key, store.text_of(self._entries))
