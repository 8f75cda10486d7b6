"""Where reports go: standard output or files, written completely or not at all, and never over an input."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from safecheck.errors import UsageError
from safecheck.machine import outputs
from safecheck.machine.folder import working_folder
from safecheck.render import RENDERERS
from safecheck.strict.yaml import suggest
from safecheck.text import printable

JOURNAL = ".partial"
"""What the journal of an output is called, behind the name of the output."""


@dataclass(frozen=True, slots=True)
class Target:
    """One requested output."""

    format: str
    path: str | None
    """None for standard output."""


def targets_of(kind: str, requests: Iterable[str], more: Iterable[str] = ()) -> tuple[Target, ...]:
    """What `FORMAT` or `FORMAT=PATH` ask for a kind of result, or of `more`; text on standard output if there is none.

    Raises:
        UsageError: no such format, or no path after the sign.
    """
    return tuple(_target_of(request, [*RENDERERS[kind], *more]) for request in requests) or (Target("text", None),)


def _target_of(request: str, known: Sequence[str]) -> Target:
    name, separator, path = request.partition("=")
    if name not in known:
        what = f"no format '{printable(name, 40)}'{suggest(name, known)}"
        raise UsageError("SC-OUT-FORMAT", "--output", what, f"use one of: {', '.join(known)}")
    if separator and not path:
        raise UsageError("SC-OUT-FORMAT", "--output", f"{name}= names no file", f"write {name}=PATH or {name}")
    return Target(name, path or None)


def journals_of(targets: Iterable[Target]) -> tuple[Target, ...]:
    """Where results are kept until their run has ended: beside each output that is written line by line."""
    return tuple(
        Target(target.format, f"{target.path}{JOURNAL}")
        for target in targets
        if target.format == "jsonl" and target.path is not None
    )


def paths_of(targets: Iterable[Target]) -> list[str]:
    """The files among the targets."""
    return [target.path for target in targets if target.path is not None]


def check_targets(targets: Iterable[Target], inputs: Iterable[str]) -> None:
    """Refuse places that clash with each other or with an input, or that cannot be written.

    Raises:
        UsageError: which and why.
    """
    targets = tuple(targets)
    if sum(target.path is None for target in targets) > 1:
        raise UsageError("SC-OUT-STDOUT", "--output", "two formats for standard output", "give all but one a =PATH")
    outputs.refuse_clashes(paths_of(targets), inputs)
    for target in targets:
        if target.path is None:
            continue
        real = os.path.realpath(target.path)
        folder = os.path.dirname(real)
        if os.path.isdir(real):
            _refuse("SC-OUT-PATH", target.path, "this is a folder", "name a file in it")
        if os.path.lexists(target.path) and not os.path.isfile(real):
            _refuse("SC-OUT-PATH", target.path, "this is not a regular file", "write to a file")
        if os.path.islink(target.path):
            _refuse("SC-OUT-PATH", target.path, "this is a symbolic link", "write to a file")
        if not os.path.isdir(folder):
            _refuse("SC-OUT-PATH", target.path, "the folder does not exist", "create it first")
        if not os.access(folder, os.W_OK):
            _refuse("SC-OUT-PATH", target.path, "the folder cannot be written", "write somewhere else")


def refuse_clashes(targets: Iterable[Target], inputs: Iterable[str]) -> None:
    """Refuse outputs that would replace a file which was read; for inputs known only after reading.

    Raises:
        UsageError: an output is one of the inputs.
    """
    outputs.refuse_clashes(paths_of(targets), inputs)


def write_file(path: str, content: str) -> None:
    """Replace a text file in one step.

    Raises:
        UsageError: it could not be written; an earlier file of that name is untouched.
    """
    write_pieces(path, (content,))


def write_pieces(path: str, pieces: Iterable[str]) -> None:
    """Replace a text file in one step by a text that need not be in memory as a whole.

    Raises:
        UsageError: it could not be written; an earlier file of that name is untouched.
    """
    write_byte_pieces(path, (piece.encode("utf-8", "backslashreplace") for piece in pieces))


def write_bytes(path: str, content: bytes) -> None:
    """Replace a file in one step.

    Raises:
        UsageError: it could not be written; an earlier file of that name is untouched.
    """
    write_byte_pieces(path, (content,))


def write_byte_pieces(path: str, pieces: Iterable[bytes | memoryview]) -> None:
    """Replace the file in one step, so that nobody ever sees half of it.

    Raises:
        UsageError: it could not be written; an earlier file of that name is untouched.
    """
    try:
        with working_folder(os.path.dirname(os.path.abspath(path))) as folder:
            temporary = os.path.join(folder, "output")
            with open(temporary, "xb") as file:
                file.writelines(pieces)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
    except OSError as error:
        _refuse("SC-OUT-WRITE", path, error.strerror or "cannot be written", "write somewhere else")


def _refuse(code: str, path: str, what: str, todo: str) -> None:
    raise UsageError(code, printable(path), what, todo)
