"""Where the rule files and report templates of this installation are."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

from safecheck.errors import UsageError


def _package(name: str) -> Traversable:
    try:
        return files(f"safecheck.{name}")
    except ModuleNotFoundError as error:
        raise UsageError(
            "SC-ENV-INSTALL", f"safecheck.{name}", "the package data is not installed", "run: pip install -e ."
        ) from error


def rules() -> Traversable:
    """The folder of rule files, also inside a zipped wheel."""
    return _package("rules")


def cases() -> Traversable:
    """The folder of rule cases, also inside a zipped wheel."""
    return _package("cases")


def reports() -> Traversable:
    """The folder of report templates, also inside a zipped wheel."""
    return _package("reports")


@cache
def _parsed() -> dict[str, str]:
    """Digest of a YAML text -> its tree as JSON; every line of the file is one, and only those asked for are read."""
    file = rules() / "parsed.jsonl"
    lines = file.read_text(encoding="utf-8").splitlines() if file.is_file() else []
    return {line[:64]: line[65:] for line in lines}


def digest(text: str) -> str:
    """The key of a YAML text in `parsed.jsonl`."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


@cache
def parsed(text: str) -> list[Any] | None:
    """The tree of a shipped YAML text, found by its content; None for any other text.

    A changed rule file has another content and is parsed anew, so a stale `parsed.jsonl` costs time, never truth.
    """
    line = _parsed().get(digest(text))
    return None if line is None else json.loads(line)


def yaml_files(folder: Traversable) -> Iterator[tuple[str, Traversable]]:
    """Every `*.yaml` below a folder as (path relative to it, file), in a fixed order."""
    for entry in sorted(folder.iterdir(), key=lambda item: item.name):
        if entry.is_dir():
            for path, file in yaml_files(entry):
                yield f"{entry.name}/{path}", file
        elif entry.name.endswith(".yaml"):
            yield entry.name, entry
