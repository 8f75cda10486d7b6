"""The folder of kept verdicts. It is never needed: whatever is missing, damaged or odd is as if it were not there.

It lies outside the repository unless `SAFECHECK_CACHE_DIR` says otherwise, so that nobody can commit a verdict.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

_TAG = (
    "Signature: 8a477f597d28d172789f06886806bc55\n"
    "# Verdicts kept by safecheck; this folder can be deleted at any time. See https://bford.info/cachedir/\n"
)
_KEPT_SECONDS = 30 * 24 * 3600
_SWEEP_SECONDS = 24 * 3600
_MAX_BYTES = 64 << 20


def folder() -> Path:
    """Where verdicts are kept."""
    own = os.environ.get("SAFECHECK_CACHE_DIR")
    if own:
        return Path(own)
    base = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(base) if os.path.isabs(base) else Path.home() / ".cache") / "safecheck"


def key_of(parts: Mapping[str, str]) -> str:
    """The name under which something that depends on exactly these parts is kept."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def get(kind: str, key: str) -> dict[str, Any] | None:
    """What was kept, if it is still as it was written and the folder is the user's own."""
    try:
        file = folder() / kind / f"{key}.json"
        if not _is_own(folder()) or not file.is_file() or os.stat(file).st_size > _MAX_BYTES:
            return None
        digest, _, text = file.read_bytes().partition(b"\n")
        if hashlib.sha256(key.encode() + text).hexdigest().encode() != digest:
            return None
        found = json.loads(text)
        os.utime(file)
        return found if isinstance(found, dict) else None
    except (OSError, ValueError, RuntimeError):  # RuntimeError: no home folder, or JSON that is nested too deep
        return None


def text_of(content: Mapping[str, Any]) -> bytes:
    """What is kept of some content, in one line."""
    return json.dumps(content, ensure_ascii=True).encode()


def put(kind: str, key: str, text: bytes) -> None:
    """Keep what `text_of` gave, if that is possible; two processes can do so at the same time."""
    with suppress(OSError, ValueError, RuntimeError):
        top = folder()
        file = top / kind / f"{key}.json"
        temporary = file.with_name(f".{key}.{os.getpid()}")
        if not top.exists():
            top.mkdir(parents=True, mode=0o700)
            (top / ".gitignore").write_text("*\n", encoding="ascii")
            (top / "CACHEDIR.TAG").write_text(_TAG, encoding="ascii")
        if not _is_own(top):
            return
        file.parent.mkdir(mode=0o700, exist_ok=True)
        try:
            temporary.write_bytes(hashlib.sha256(key.encode() + text).hexdigest().encode() + b"\n" + text)
            os.replace(temporary, file)
        finally:
            temporary.unlink(missing_ok=True)
        _sweep(top)


def _is_own(top: Path) -> bool:
    """Whether nobody else could have written there."""
    seen = os.stat(top)
    return seen.st_uid == os.geteuid() and not seen.st_mode & 0o022


def _sweep(top: Path) -> None:
    """Once a day, forget what nobody asked for in a month."""
    mark, now = top / "swept", time.time()
    with suppress(FileNotFoundError):
        if now - mark.stat().st_mtime < _SWEEP_SECONDS:
            return
    mark.touch()
    for file in _entries(top):
        with suppress(OSError):
            if now - file.stat().st_mtime > _KEPT_SECONDS:
                file.unlink()


def _entries(top: Path) -> Iterator[Path]:
    for kind in top.iterdir():
        if kind.is_dir() and not kind.is_symlink():
            yield from kind.glob("*.json")
            yield from kind.glob(".*.[0-9]*")
