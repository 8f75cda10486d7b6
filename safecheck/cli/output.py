"""What a command says: its result on standard output or in a file, everything else on standard error."""

from __future__ import annotations

import io
import os
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import click

from safecheck.errors import SafecheckError, UsageError
from safecheck.render import RENDERERS, Document, plain
from safecheck.render.output import Target, write_file
from safecheck.text import printable

if TYPE_CHECKING:  # a verdict that was kept is shown without knowing what a report is
    from safecheck.audit.report import Report


def emit(target: Target, kind: str, result: object) -> None:
    """Put what is written about a result where it was asked for; `kind` is its row in `RENDERERS`."""
    show(RENDERERS[kind][target.format](result), target.path)


def wrote(targets: Iterable[Target], verdicts: Sequence[str]) -> None:
    """One line on standard error about the files that a run has written, and the verdict that they hold."""
    paths = [target.path for target in targets if target.path is not None]
    if paths:
        counts = Counter(verdicts)
        words = ", ".join(f"{count} {verdict}" for verdict, count in sorted(counts.items()))
        note(f"wrote {some(paths)}: {verdicts[0] if len(verdicts) == 1 else words}")


def show(document: Document, path: str | None = None) -> None:
    """Write to a file, or to standard output for None; lines are coloured there if it is a terminal.

    A reader of standard output who has seen enough is no error: the exit code stays what it is.
    """
    if path is not None:
        write_file(path, plain(document))
        return
    with _willing_reader():
        if not isinstance(document, str) and _in_colour():
            from safecheck.render.terminal import print_lines  # Rich is for people: a pipe does not pay for it

            print_lines(document, sys.stdout)
        else:
            # A name that is not UTF-8 leaves as the bytes it is: the line of trtexec is there to be run.
            click.echo(plain(document).encode("utf-8", "surrogateescape"), nl=False)


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
        click.echo(text, err=True)


def some(paths: Sequence[str], shown: int = 5) -> str:
    """The first paths of a list, and how many more there are."""
    more = f" and {len(paths) - shown} more" if len(paths) > shown else ""
    return ", ".join(map(printable, paths[:shown])) + more


def complain(error: SafecheckError) -> None:
    """One line on standard error."""
    note(f"error[{error.code}]: {error}")


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
