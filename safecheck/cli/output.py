"""What a command says: its result on standard output or in a file, everything else on standard error."""

from __future__ import annotations

import io
import os
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from safecheck.errors import SafecheckError, UsageError
from safecheck.render import RENDERERS, Document, Stream, pieces, plain
from safecheck.render.output import Target, write_bytes, write_file, write_pieces
from safecheck.text import printable

if TYPE_CHECKING:  # a verdict that was kept is shown without knowing what a report is
    from safecheck.audit.report import Report


FOR_PEOPLE = ("text", "concise", "statistics")
"""Formats that say no more than standard error has said where there is no such file."""


def emit(target: Target, kind: str, result: object) -> None:
    """Put what is written about a result where it was asked for; `kind` is its row in `RENDERERS`."""
    show(RENDERERS[kind][target.format](result), target.path)


def wrote(targets: Iterable[Target], verdicts: Counter[str]) -> None:
    """One line on standard error about the files that a run has written, and the verdict that they hold."""
    paths = list(dict.fromkeys(target.path for target in targets if target.path is not None))
    if paths:
        counts = ", ".join(f"{count} {verdict}" for verdict, count in sorted(verdicts.items()))
        note(f"wrote {some(paths)}: {next(iter(verdicts)) if verdicts.total() == 1 else counts}")


def show(document: Document, path: str | None = None) -> None:
    """Write to a file, or to standard output for None; lines are coloured there if it is a terminal.

    A reader of standard output who has seen enough is no error: the exit code stays what it is.
    """
    if isinstance(document, bytes):
        if path is None:
            raise UsageError("SC-OUT-STDOUT", "--output", "this format is no text", "give it a =PATH")
        write_bytes(path, document)
        return
    if path is not None:
        write_pieces(path, pieces(document))
        return
    with _willing_reader():
        if not isinstance(document, str | Stream) and _in_colour():
            from safecheck.render.terminal import print_lines  # Rich is for people: a pipe does not pay for it

            print_lines(document, sys.stdout)
        else:
            # A name that is not UTF-8 leaves as the bytes it is: the line of trtexec is there to be run.
            for piece in pieces(document) if isinstance(document, Stream) else (plain(document),):
                _write(_bytes(piece))


def _bytes(text: str) -> bytes:
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # a half of a pair that stands for no byte
        return text.encode("utf-8", "backslashreplace")


def _write(content: bytes) -> None:
    """To standard output, if there is one; to one that takes text only, as text."""
    if sys.stdout is None:
        return
    sys.stdout.flush()
    binary = getattr(sys.stdout, "buffer", None)
    if binary is None:
        sys.stdout.write(content.decode("utf-8", "replace"))
    else:
        binary.write(content)
        binary.flush()
    sys.stdout.flush()


def _in_colour() -> bool:
    """Whether standard output is for a person's terminal; `FORCE_COLOR` says yes, `TERM=dumb` no.

    `NO_COLOR` leaves the layout of a terminal and takes the colours away, which Rich does.
    """
    if os.environ.get("FORCE_COLOR"):
        return sys.stdout is not None
    return sys.stdout is not None and sys.stdout.isatty() and os.environ.get("TERM") != "dumb"


@contextmanager
def _willing_reader() -> Iterator[None]:
    """A reader that is gone is no error; that what was asked for cannot be written is one.

    Raises:
        UsageError: the disk is full, or whatever else keeps standard output from being written.
    """
    try:
        yield
    except BrokenPipeError:
        leave_standard_output()
    except OSError as error:
        leave_standard_output()
        todo = "make room, or name a file with --output FORMAT=PATH"
        reason = error.strerror or "cannot be written"
        raise UsageError("SC-OUT-WRITE", "standard output", reason, todo) from error


def leave_standard_output() -> None:
    """Nobody takes more of it: be quiet from now on, also when the interpreter flushes at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def say(text: str) -> None:
    """One line on standard output, for commands whose results have no formats."""
    show(f"{text}\n")


def make_writable() -> None:
    """Let standard output and standard error take any character, whatever encoding the environment asks for."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            try:
                "\xe9".encode(stream.encoding, "backslashreplace")
                stream.reconfigure(errors="backslashreplace")
            except (LookupError, ValueError):  # `idna` and others that are no encodings of text
                stream.reconfigure(encoding="utf-8", errors="backslashreplace")


def note(text: str) -> None:
    """One line on standard error that is no error; if nobody takes it, the exit code says what it says all the same."""
    with suppress(OSError, ValueError):
        if sys.stderr is not None:
            sys.stderr.write(f"{text}\n")
            sys.stderr.flush()


def some(paths: Sequence[str], shown: int = 5) -> str:
    """The first paths of a list, and how many more there are."""
    more = f" and {len(paths) - shown} more" if len(paths) > shown else ""
    return ", ".join(map(printable, paths[:shown])) + more


def complain(error: SafecheckError) -> None:
    """One line on standard error."""
    note(complaint_of(error))


def complaint_of(error: SafecheckError) -> str:
    """An error in one line."""
    return f"error[{error.code}]: {error}"


def complaining(reports: Iterable[Report]) -> Iterator[Report]:
    """The reports as they come, with one line on standard error for each model that could not be read."""
    for report in reports:
        if report.error is not None:
            complain(report.error)
        yield report


def write_new(path: str | None, text: str) -> None:
    """Write a file that must not exist yet, or to standard output.

    Raises:
        UsageError: the file exists or cannot be written.
    """
    if path is None:
        show(text)
        return
    try:
        with open(path, "x", encoding="utf-8"):
            pass
    except OSError as error:
        raise UsageError("SC-OUT-PATH", printable(path), str(error.strerror), "name a new file") from error
    write_file(path, text)
