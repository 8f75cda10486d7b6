"""Where the rule files and report templates of this installation are."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from typing import TYPE_CHECKING, Any, BinaryIO, TypeAlias

from safecheck.errors import UsageError

if TYPE_CHECKING:  # a profile that was kept needs none of them
    from importlib.resources.abc import Traversable
    from pathlib import Path

Tree: TypeAlias = list[Any]
"""A YAML document; its parts are described in `strict.yaml`."""


def _package(name: str) -> Traversable:
    from importlib.resources import files

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


def parsed_rules(folder: Traversable, parse: Callable[[str, str], Tree]) -> str:
    """The file `parsed.jsonl` of a wheel: per rule file below `folder` a line with the key of its text and its tree."""
    import json

    lines = []
    for path, file in yaml_files(folder):
        text = file.read_text(encoding="utf-8")
        lines.append(f"{digest(text)} {json.dumps(parse(text, f'rules/{path}'), separators=(',', ':'))}\n")
    return "".join(sorted(lines))


def digest(text: str) -> str:
    """The key of a YAML text."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


@cache
def _parsed() -> dict[str, str] | None:
    """Key of a YAML text -> its tree as JSON, of which only those asked for are read; None in a checkout."""
    file = rules() / "parsed.jsonl"
    if not file.is_file():
        return None
    return {line[:64]: line[65:] for line in file.read_text(encoding="utf-8").splitlines()}


@cache
def parsed(text: str) -> Tree | None:
    """The tree of a rule file, found by its content: in the wheel, or where an earlier run of a checkout kept it.

    A changed rule file has another content and is parsed anew: what is stale or damaged costs time, never truth.
    """
    shipped = _parsed()
    import json

    try:
        line = _kept(text).read_text(encoding="utf-8") if shipped is None else shipped.get(digest(text), "null")
        tree = json.loads(line)
    except (OSError, ValueError):
        return None
    return tree if isinstance(tree, list) else None


def keep(text: str, tree: Tree) -> None:
    """In a checkout, keep the tree of a rule file for the next run."""
    if _parsed() is not None or digest(text) not in _texts():
        return
    import json

    with suppress(OSError), replacing(str(_kept(text))) as file:
        file.write(json.dumps(tree, separators=(",", ":")).encode())


@contextmanager
def replacing(path: str) -> Iterator[BinaryIO]:
    """A file beside the byte code, to be written for the next run; it is there in one step, or not at all.

    Raises:
        OSError: nobody may write there, or not so much.
    """
    temporary = f"{path}.{os.getpid()}"
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(temporary, "wb") as file:
        yield file
    os.replace(temporary, path)


def _kept(text: str) -> Path:
    """With the byte code, which only those can write who can write the rules. Another parser makes another tree."""
    from pathlib import Path

    return Path(str(rules()), "__pycache__", f"{digest(_parser() + text)}.json")


@cache
def _parser() -> str:
    from importlib.resources import files

    return (files(__package__) / "yaml.py").read_text(encoding="utf-8")


@cache
def _texts() -> frozenset[str]:
    """The keys of all shipped texts."""
    return frozenset(digest(file.read_text(encoding="utf-8")) for _, file in yaml_files(rules()))


def yaml_files(folder: Traversable) -> Iterator[tuple[str, Traversable]]:
    """Every `*.yaml` below a folder as (path relative to it, file), in a fixed order."""
    for entry in sorted(folder.iterdir(), key=lambda item: item.name):
        if entry.is_dir():
            for path, file in yaml_files(entry):
                yield f"{entry.name}/{path}", file
        elif entry.name.endswith(".yaml"):
            yield entry.name, entry
