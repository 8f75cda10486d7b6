"""The exception tree. Every message says what happened, where, and what to do about it.

    SafecheckError        exit_code, code, where, what, todo
      UsageError          2  a wrong option, profile or configuration
      RuleFileError       2  a rule file that must not be trusted: file, key, and what would be accepted
      InputError          3  a model that cannot be read or must not be judged
      BuildError          3  a builder that is missing, or ended without an answer

What merely cannot be decided is never an exception: it is a finding, and the verdict is `unproven`.
"""

from __future__ import annotations

from collections.abc import Collection

from safecheck.text import inert

_WORST_FIRST = (4, 2, 1, 3, 0)


class SafecheckError(Exception):
    """A failure that is reported in one line and ends with `exit_code` (docs: the contract's exit codes)."""

    exit_code = 2

    def __init__(self, code: str, where: str, what: str, todo: str) -> None:
        where, what, todo = inert(where), inert(what), inert(todo)
        super().__init__(code, where, what, todo)
        self.code = code
        self.where = where
        self.what = what
        self.todo = todo

    def __str__(self) -> str:
        where = f"{self.where}: " if self.where else ""
        return f"{where}{self.what}; {self.todo}"


class UsageError(SafecheckError):
    """The command line or configuration asks for something that does not exist."""


class RuleFileError(SafecheckError):
    """A rule, lowering or profile file is broken; `where` is a breadcrumb into it."""


class InputError(SafecheckError):
    """The model cannot be read, or reading it would mean guessing (exit 3: never a pass)."""

    exit_code = 3


class BuildError(SafecheckError):
    """The builder is missing, crashed, hung or wrote nonsense: it said neither yes nor no (exit 3: never a pass)."""

    exit_code = 3


def pip_install(extra: str) -> str:
    """The command for optional libraries. Never by name alone: `safecheck` on the public index is somebody else's."""
    return f"pip install '.[{extra}]' in safecheck's checkout"


def worst(codes: Collection[int]) -> int:
    """The exit code of several reports: 4, then 2, 1, 3, 0. Nothing checked is inconclusive."""
    return next((code for code in _WORST_FIRST if code in codes), 3)
