"""Find the configuration: the nearest folder upwards, no further than the repository's root or the home folder."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

from safecheck.errors import RuleFileError, UsageError
from safecheck.intake.repository import root_of
from safecheck.strict.content import UnreadableError, is_gone, text
from safecheck.strict.yaml import MAX_BYTES, Entry, load
from safecheck.text import printable
from safecheck.workflow.config import settings
from safecheck.workflow.config.boundary import is_inside
from safecheck.workflow.config.settings import Settings

YAML, TOML = ".safecheck.yaml", "pyproject.toml"
_TABLE = ("tool", "safecheck")
_MISNAMED = (".safecheck.yml", "safecheck.yaml", ".safecheck.toml", "safecheck.toml")


def configuration(start: str = os.curdir) -> Settings:
    """The settings of the nearest `.safecheck.yaml`, or `[tool.safecheck]` of a `pyproject.toml`; none is fine.

    Raises:
        UsageError: SC-CFG-CONFIG, two files in one folder, or something in the file is wrong: file, line and key.
    """
    root = root_of(start)
    for folder in _folders(os.path.realpath(start), root):
        found = [part for part in (_yaml(folder, root or folder), _toml(folder, root or folder)) if part is not None]
        if len(found) > 1:
            what = f"{TOML} has a [tool.safecheck] too, and only one of them can hold"
            raise UsageError("SC-CFG-CONFIG", _shown(folder, YAML), what, "move everything into one of them")
        if found:
            return found[0]
    return settings.NONE


def _folders(start: str, root: str | None) -> Iterator[str]:
    """From the start upwards; outside a repository and the home folder only the start, for above may be anything."""
    home = os.path.realpath(os.path.expanduser("~"))
    last = root if root is not None else home if is_inside(start, home) else start
    folder = start
    while True:
        yield folder
        above = os.path.dirname(folder)
        if folder == last or above == folder:
            return
        folder = above


def _yaml(folder: str, boundary: str) -> Settings | None:
    for name in _MISNAMED:
        if os.path.lexists(os.path.join(folder, name)):
            what = "a configuration by this name is not read"
            raise UsageError("SC-CFG-CONFIG", _shown(folder, name), what, f"rename it to {YAML} or remove it")
    text = _text(folder, YAML, boundary)
    return None if text is None else _settings(lambda file: load(text, file), folder, YAML, boundary)


def _toml(folder: str, boundary: str) -> Settings | None:
    found = _text(folder, TOML, boundary)
    if found is None or "safecheck" not in found:
        return None
    from safecheck.strict.toml import tree_of

    def entry(file: str) -> Entry | None:
        tree = tree_of(found, file, _TABLE)
        return None if tree is None else Entry(tree, file)

    return _settings(entry, folder, TOML, boundary)


def _settings(parse: Callable[[str], Entry | None], folder: str, name: str, boundary: str) -> Settings | None:
    file = _shown(folder, name)
    try:
        root = parse(file)
        return None if root is None else settings.read(root, file, folder, boundary)
    except RuleFileError as error:
        raise UsageError("SC-CFG-CONFIG", error.where, error.what, error.todo) from error


def _text(folder: str, name: str, boundary: str) -> str | None:
    path = os.path.join(folder, name)
    try:
        if is_gone(path):
            return None
        if not is_inside(path, boundary):
            raise UnreadableError("a link that leads outside the repository")
        return text(path, MAX_BYTES, f"{MAX_BYTES} bytes")
    except UnreadableError as error:
        todo = "replace it with a readable file, or use --isolated"
        raise UsageError("SC-CFG-CONFIG", _shown(folder, name), str(error), todo) from error


def _shown(folder: str, name: str) -> str:
    return printable(os.path.relpath(os.path.join(folder, name)))
