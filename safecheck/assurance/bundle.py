"""The bundle: everything a release is judged by in one archive, the same bytes wherever and whenever it is made.

Entries are stored, not compressed, for releases of zlib differ in what they write; names are sorted and no entry has a
time of its own. `MANIFEST.json` comes first and gives role, size and SHA-256 of every other entry.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from safecheck.assurance.differences import Difference
from safecheck.assurance.recorded import Recorded, parsed
from safecheck.errors import UsageError
from safecheck.strict.content import UnreadableError, content, open_regular
from safecheck.strict.json import parsed as json_of
from safecheck.text import printable

SCHEMA = "safecheck/bundle/1"
MANIFEST = "MANIFEST.json"
REPORT = "reports/report.json"
MAX_BYTES = 2 << 30
MAX_ENTRIES = 10_000
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,120}(?:/[A-Za-z0-9_][A-Za-z0-9._-]{0,120}){0,6}\Z")
_TIME = (1980, 1, 1, 0, 0, 0)
"""The earliest that an archive can say."""


class Part(NamedTuple):
    """One file of a bundle."""

    name: str
    role: str
    """`report`, `rulebook`, `overlay`, `configuration`, `deviations`, `build`, `fix`, `selftest`, `tool`, `statement`,
    `run` or `index`."""
    data: bytes
    about: str = ""
    """What it is, for a person."""

    @property
    def sha256(self) -> str:
        """Of the content."""
        return hashlib.sha256(self.data).hexdigest()


@dataclass(frozen=True, slots=True)
class Contents:
    """What goes into a bundle, but for its first page and its manifest."""

    verdict: str
    model: Mapping[str, Any]
    """Path, SHA-256, size and external data, as in the JSON report."""
    profile: Mapping[str, Any]
    parts: tuple[Part, ...]
    open_slots: tuple[str, ...]
    """Evidence that a release review expects and that was not given, one line each."""

    def of(self, role: str) -> tuple[Part, ...]:
        """The files with this role, by name."""
        return tuple(sorted(part for part in self.parts if part.role == role))


@dataclass(frozen=True, slots=True)
class Bundle:
    """An archive that was opened."""

    path: str
    about: Mapping[str, Any]
    """What the manifest says besides its files."""
    parts: tuple[Part, ...]
    problems: tuple[Difference, ...]
    """What is not as the manifest says."""

    def of(self, *roles: str) -> tuple[Part, ...]:
        """The files with one of these roles, in the order of the manifest."""
        return tuple(part for part in self.parts if part.role in roles)


def plain_name(path: str) -> str:
    """The name of a file as an archive may have it: letters, digits, dots, dashes and underscores."""
    name = re.sub(r"[^A-Za-z0-9._-]", "_", os.path.basename(path)).lstrip(".-")
    return name[:100] or "file"


def packed(about: Mapping[str, Any], parts: Iterable[Part]) -> bytes:
    """The archive of some files; `about` is what the manifest says besides.

    Raises:
        ValueError: a name is none that an archive should have, or two are the same.
    """
    files = sorted(parts)
    names = [part.name for part in files]
    if len(set(map(str.casefold, names))) < len(names) or not all(map(_NAME.match, names)) or MANIFEST in names:
        raise ValueError(f"names of a bundle: {names}")
    manifest = {
        "schema": SCHEMA,
        **about,
        "files": [
            {
                "path": part.name,
                "role": part.role,
                "about": part.about,
                "sha256": part.sha256,
                "size_bytes": len(part.data),
            }
            for part in files
        ],
    }
    text = json.dumps(manifest, indent=2, ensure_ascii=True, allow_nan=False) + "\n"
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as archive:
        for name, data in [(MANIFEST, text.encode()), *((part.name, part.data) for part in files)]:
            entry = zipfile.ZipInfo(name, _TIME)
            entry.create_system, entry.external_attr = 3, 0o644 << 16
            archive.writestr(entry, data)
    return stream.getvalue()


def is_bundle(path: str) -> bool:
    """Whether a file begins like an archive, and so is no JSON report."""
    try:
        with open_regular(path) as file:
            return file.read(4) == b"PK\x03\x04"
    except (OSError, UnreadableError):
        return False


def report_in(bundle: Bundle) -> Recorded:
    """The JSON report in a bundle.

    Raises:
        UsageError: there is none, or it is none.
    """
    for part in bundle.of("report"):
        if part.name == REPORT:
            return parsed(f"{bundle.path}:{REPORT}", part.data)
    raise _broken(bundle.path, f"it holds no {REPORT}")


def opened(path: str) -> Bundle:
    """The files of an archive, each held against the manifest. Nothing is unpacked onto the disk.

    Raises:
        UsageError: this is no bundle.
    """
    data = _bytes(path)
    problems: list[Difference] = []
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            found = _entries(path, archive, problems)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, ValueError, EOFError, OSError) as error:
        raise _broken(path, f"not an archive that can be read: {printable(str(error), 80)}") from error
    manifest = _manifest(path, found.pop(MANIFEST, b""))
    parts = []
    for entry in manifest["files"]:
        content = found.pop(entry["path"], None)
        if content is None:
            if not any(problem.text.startswith(entry["path"]) for problem in problems):
                problems.append(Difference("bundle", f"{entry['path']} is missing"))
        elif hashlib.sha256(content).hexdigest() != entry["sha256"]:
            problems.append(Difference("bundle", f"{entry['path']} ({entry['role']}) is not what was bundled"))
        parts.append(Part(entry["path"], entry["role"], content or b"", entry["about"]))
    problems += [Difference("bundle", f"{printable(name)} is not in the manifest") for name in sorted(found)]
    about = {key: value for key, value in manifest.items() if key not in ("schema", "files")}
    if not problems and packed(about, parts) != data:
        problems.append(Difference("bundle", "the archive is not as safecheck writes it, though its files are"))
    return Bundle(path, about, tuple(parts), tuple(problems))


def _entries(path: str, archive: zipfile.ZipFile, problems: list[Difference]) -> dict[str, bytes]:
    """Name -> content; what the archive itself says is damaged is left out, and said."""
    infos = archive.infolist()
    if len(infos) > MAX_ENTRIES or sum(info.file_size for info in infos) > MAX_BYTES:
        raise _broken(path, f"more than {MAX_ENTRIES} files or {MAX_BYTES >> 30} GiB")
    found: dict[str, bytes] = {}
    for info in infos:
        if info.filename in found or not _NAME.match(info.filename) or info.compress_type != zipfile.ZIP_STORED:
            problems.append(Difference("bundle", f"{printable(info.filename)} is no entry that safecheck writes"))
            continue
        try:
            found[info.filename] = archive.read(info)
        except (zipfile.BadZipFile, EOFError):
            problems.append(Difference("bundle", f"{info.filename} is damaged: its checksum is another"))
    return found


def _manifest(path: str, data: bytes) -> dict[str, Any]:
    try:
        found = json_of(data)
    except UnreadableError as error:
        raise _broken(path, f"{MANIFEST} is missing or damaged") from error
    files = found.get("files") if isinstance(found, dict) and found.get("schema") == SCHEMA else None
    if not isinstance(files, list) or not all(map(_is_entry, files)):
        raise _broken(path, f"{MANIFEST} is not of schema {SCHEMA}")
    return dict(found)


def _is_entry(entry: Any) -> bool:
    keys = ("path", "role", "about", "sha256")
    return isinstance(entry, dict) and all(isinstance(entry.get(key), str) for key in keys)


def _bytes(path: str) -> bytes:
    try:
        return content(path, MAX_BYTES, f"{MAX_BYTES >> 30} GiB")
    except UnreadableError as error:
        raise _broken(path, str(error)) from error


def _broken(path: str, what: str) -> UsageError:
    todo = "make it with `safecheck evidence MODEL -o FILE.zip`"
    return UsageError("SC-VER-BUNDLE", printable(path), what, todo)
