"""Which files are meant by what a user names."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from safecheck.errors import InputError
from safecheck.intake.repository import ignored, root_of
from safecheck.text import printable

LEFT_OUT = frozenset(
    {
        ".bzr", ".direnv", ".eggs", ".git", ".git-rewrite", ".hg", ".ipynb_checkpoints",
        ".mypy_cache", ".nox", ".pants.d", ".pyenv", ".pytest_cache", ".pytype", ".ruff_cache",
        ".svn", ".tox", ".venv", ".vscode", "__pycache__", "__pypackages__", "_build",
        "buck-out", "build", "dist", "node_modules", "site-packages", "venv",
    }
)  # fmt: skip
"""Folders that ruff does not enter either, unless they are named: administration, environments, caches, builds."""


@dataclass(slots=True)
class Found:
    """The models of a search, and what was not searched."""

    models: list[str] = field(default_factory=list)
    """In a fixed order. Among them are folders that cannot be entered and links to folders: who opens one is told."""
    excluded: list[str] = field(default_factory=list)
    """What `is_excluded` said of models, links and folders that cannot be entered."""
    ignored: list[str] = field(default_factory=list)
    """What Git ignores."""
    left_out: list[str] = field(default_factory=list)
    """Folders by one of the names in `LEFT_OUT`."""


def find_models(
    arguments: Iterable[str], is_excluded: Callable[[str], bool] = lambda path: False, respect_git: bool = True
) -> Found:
    """Files as given; folders searched for `*.onnx`, in a fixed order, without following links to folders.

    What is found in a folder can be excluded, or ignored by Git, what is named cannot.

    Raises:
        InputError: a folder holds no model; nothing checked is not compliant.
    """
    found = Found()
    for argument in arguments:
        if "://" in argument and not os.path.lexists(argument):
            from safecheck.intake.remote import models_below  # what is here is found without it

            found.models += models_below(argument)
            continue
        if argument == "-" or not os.path.isdir(argument):
            found.models.append(argument)
            continue
        inside = _search(argument, found)
        found.ignored += (hidden := _ignored(argument, inside) if respect_git else [])
        excluded = sorted(path for path in inside if path not in hidden and is_excluded(path))
        found.excluded += excluded
        kept = sorted({*inside}.difference(hidden, excluded))
        if not kept:
            raise _nothing(argument, len(inside), len(excluded))
        found.models += kept
    found.models = list(dict.fromkeys(found.models))
    return found


def _search(top: str, found: Found) -> list[str]:
    """Models below a folder, and what might hold some and is not entered."""
    inside, folders = [], [top]
    while folders:
        folder = folders.pop()
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    if entry.name in LEFT_OUT and entry.is_dir():
                        found.left_out.append(entry.path)
                    elif entry.is_dir(follow_symlinks=False):
                        folders.append(entry.path)
                    elif entry.name.lower().endswith(".onnx") or _may_be_folder(entry):
                        inside.append(entry.path)
        except OSError:
            inside.append(folder)
    found.left_out.sort()
    return inside


def _may_be_folder(link: os.DirEntry[str]) -> bool:
    """Whether a link leads to a folder, or to something that cannot be looked at; one that leads nowhere does not."""
    try:
        return link.is_symlink() and link.is_dir()
    except OSError:
        return True


def _ignored(top: str, inside: list[str]) -> list[str]:
    """What Git ignores; nothing if it ignores the folder as a whole, which somebody has named all the same."""
    root = root_of(top)
    if root is None or not inside:
        return []
    hidden = ignored(root, [top, *inside])
    return [] if top in hidden else sorted(hidden)


def _nothing(folder: str, seen: int, excluded: int) -> InputError:
    if not seen:
        what, todo = "the folder holds no *.onnx file", "give a folder with models"
    elif excluded == seen:
        what, todo = (
            f"all {seen} models of the folder are excluded by the configuration",
            "name a model, or use --isolated",
        )
    else:
        what = f"all {seen} models of the folder are ignored by Git or excluded by the configuration"
        todo = "name the models themselves, or set `respect-gitignore: false` in the configuration"
    return InputError("SC-IO-NOMODEL", printable(folder), what, todo)
