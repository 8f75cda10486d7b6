"""What a configuration may say. A file in a repository steers which models are judged and how, never what runs."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Collection, Iterator, Mapping

from safecheck.rulebook.default import DEFAULT
from safecheck.strict.yaml import Entry
from safecheck.values import dataclass, field
from safecheck.workflow.config.boundary import is_inside
from safecheck.workflow.config.globs import matches

DEFAULTS: Mapping[str, object] = {
    "profile": DEFAULT,
    "per-path": {},
    "paths": (),
    "exclude": (),
    "respect-gitignore": True,
    "deviations": (),
    "baseline": None,
    "ledger": None,
    "confirm": False,
    "output": ("text",),
    "jobs": 1,
    "cache": True,
    "release-overlays": {},
}
_MAX_JOBS = 1024
_MAX_PARTS = 1000
"""Of a list or a mapping: every pattern is asked about every model."""
_SHA256 = re.compile(r"[0-9a-f]{64}\Z")


@dataclass(frozen=True, slots=True)
class Settings:
    """The values of one configuration file, paths made relative to the working directory."""

    file: str = ""
    """The file; empty if there is none."""
    folder: str = ""
    """Absolute folder of the file, which patterns are relative to."""
    root: str = ""
    """Absolute folder that nothing named here may leave: the repository's, or that of the file."""
    values: Mapping[str, object] = field(default_factory=dict)
    """Only what the file says."""
    origins: Mapping[str, str] = field(default_factory=dict)
    """Key -> `file:line`."""

    def get(self, key: str) -> object:
        """The value in force for a key: the file's, else the default."""
        return self.values.get(key, DEFAULTS[key])

    def texts(self, key: str) -> tuple[str, ...]:
        """A list in force; None is the empty one and a single text a list of one."""
        value = self.get(key)
        return tuple(value) if isinstance(value, tuple) else () if value is None else (str(value),)

    @property
    def jobs(self) -> int:
        """Models at a time."""
        jobs = self.get("jobs")
        assert isinstance(jobs, int)
        return jobs

    @property
    def cache(self) -> bool:
        """Whether verdicts are kept and used."""
        return bool(self.get("cache"))

    @property
    def respect_gitignore(self) -> bool:
        """Whether a search leaves out what Git ignores."""
        return bool(self.get("respect-gitignore"))

    @property
    def confirm(self) -> bool:
        """Whether the vendor's check is asked too, for the targets that it is about."""
        return bool(self.get("confirm"))

    @property
    def release_overlays(self) -> tuple[tuple[str, str], ...]:
        """Overlays that a release may be judged by, each with the SHA-256 that its profile must have."""
        found = self.get("release-overlays")
        return tuple(found.items()) if isinstance(found, dict) else ()

    def profiles(self, key: str) -> tuple[str, ...]:
        """The profiles that `profile` or `per-path` names."""
        value = self.get(key)
        return tuple(value.values()) if isinstance(value, dict) else (str(value),)

    def profile_for(self, path: str) -> str:
        """The profile of a model: that of the last matching pattern, else the general one."""
        shown, chosen = self._relative(path), str(self.get("profile"))
        per_path = self.get("per-path")
        for pattern, profile in per_path.items() if isinstance(per_path, dict) else ():
            if shown is not None and matches(pattern, shown):
                chosen = profile
        return chosen

    def excluded_by(self, path: str) -> str | None:
        """The first pattern that excludes a file; None if none does."""
        shown = self._relative(path)
        return next(
            (pattern for pattern in self.texts("exclude") if shown is not None and matches(pattern, shown)), None
        )

    def _relative(self, path: str) -> str | None:
        """A path as patterns see it; None where the configuration has nothing to say."""
        if not self.file or path == "-":
            return None
        shown = os.path.relpath(os.path.abspath(path), self.folder).replace(os.sep, "/")
        return None if shown == ".." or shown.startswith("../") else shown


NONE = Settings()
"""No configuration: everything by default."""


def read(root: Entry, file: str, folder: str, boundary: str) -> Settings:
    """The settings of a parsed file. `boundary` is the folder that no path in it may leave.

    Raises:
        RuleFileError: file, line and key of what is wrong.
    """
    keys = root.mapping(optional=DEFAULTS)
    place = _Place(folder, boundary)
    values = {key: _READERS[key](entry, place) for key, entry in keys.items()}
    origins = {key: f"{file}:{entry.tree[1]}" for key, entry in keys.items()}
    return Settings(file, folder, boundary, values, origins)


@dataclass(frozen=True, slots=True)
class _Place:
    folder: str
    boundary: str

    def path(self, entry: Entry) -> str:
        """A path in the file as seen from the working directory."""
        return self.inside(entry, entry.text())

    def inside(self, entry: Entry, text: str) -> str:
        todo = "name a file of this repository, relative to this configuration"
        if os.path.isabs(text) or text.startswith(("~", "\\")) or text[1:2] == ":":
            entry.fail("a configuration must not name an absolute path", todo)
        if "\0" in text:
            entry.fail("a path with a NUL character", todo)
        path = os.path.join(self.folder, text)
        if not is_inside(path, self.boundary):
            entry.fail("this leads outside the repository, or into its .git", todo)
        return os.path.relpath(path)

    def profile(self, entry: Entry) -> str:
        text = entry.text()
        return self.path(entry) if os.sep in text or text.endswith((".yaml", ".yml")) else text

    def paths(self, entry: Entry) -> tuple[str, ...]:
        return tuple(self.path(part) for part in _some(entry))

    def output(self, entry: Entry) -> tuple[str, ...]:
        found = []
        for part in _some(entry):
            name, sign, path = part.text().partition("=")
            found.append(f"{name}={self.inside(part, path)}" if sign and path else part.text())
        return tuple(found)

    def hashes(self, entry: Entry) -> dict[str, str]:
        found = {}
        for name, part in entry.items().items():
            value = part.scalar()
            if not isinstance(value, str) or not _SHA256.match(value):
                part.fail("expected 64 lower-case hexadecimal digits", "copy `profile.sha256` from the JSON report")
            found[self.inside(part, name)] = value
        return found

    def per_path(self, entry: Entry) -> dict[str, str]:
        found = {}
        _check_number(entry, entry.items())
        for pattern, part in entry.items().items():
            _check_pattern(part, pattern)
            found[pattern] = self.profile(part)
        return found


def _some(entry: Entry) -> Iterator[Entry]:
    parts = entry.one_or_more()
    if not parts:
        entry.fail("an empty list", "name something, or remove the key")
    _check_number(entry, parts)
    yield from parts


def _check_number(entry: Entry, parts: Collection[object]) -> None:
    if len(parts) > _MAX_PARTS:
        entry.fail(f"{len(parts)} entries, more than {_MAX_PARTS}", "say it with fewer, or shorter patterns")


def _patterns(entry: Entry, place: _Place) -> tuple[str, ...]:
    for part in _some(entry):
        _check_pattern(part, part.text())
    return tuple(part.text() for part in entry.one_or_more())


def _check_pattern(entry: Entry, pattern: str) -> None:
    if pattern.startswith("/") or ".." in pattern.split("/") or "\\" in pattern or not pattern.strip("/"):
        entry.fail("a pattern must be relative to this file and stay below it", "write it like models/** or **/*.onnx")


def _flag(entry: Entry, place: _Place) -> bool:
    value = entry.scalar()
    if not isinstance(value, bool):
        entry.fail("expected true or false", "correct it")
    return value


def _jobs(entry: Entry, place: _Place) -> int:
    value = entry.scalar()
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= _MAX_JOBS:
        entry.fail(f"expected a number from 1 to {_MAX_JOBS}", "correct it")
    return value


_READERS: Mapping[str, Callable[[Entry, _Place], object]] = {
    "profile": lambda entry, place: place.profile(entry),
    "per-path": lambda entry, place: place.per_path(entry),
    "paths": lambda entry, place: place.paths(entry),
    "exclude": _patterns,
    "respect-gitignore": _flag,
    "deviations": lambda entry, place: place.paths(entry),
    "baseline": lambda entry, place: place.path(entry),
    "ledger": lambda entry, place: place.path(entry),
    "confirm": _flag,
    "output": lambda entry, place: place.output(entry),
    "jobs": _jobs,
    "cache": _flag,
    "release-overlays": lambda entry, place: place.hashes(entry),
}
