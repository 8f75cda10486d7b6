"""Showing results: results on standard output or in files, colours only for people."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from safecheck.cli.options import leave_closed_pipe
from safecheck.render import RENDERERS
from safecheck.render.line import Line
from safecheck.render.output import Target, write_file

if TYPE_CHECKING:
    from safecheck.audit.report import Report


def in_colour() -> bool:
    """Whether standard output is for a person's terminal; `FORCE_COLOR` says yes, `TERM=dumb` no.

    `NO_COLOR` leaves the layout of a terminal and takes the colours away, which Rich does.
    """
    if os.environ.get("FORCE_COLOR"):
        return sys.stdout is not None
    return sys.stdout is not None and sys.stdout.isatty() and os.environ.get("TERM") != "dumb"


def show(text: str, path: str | None) -> None:
    """Write a result to a file, or to standard output for None."""
    if path is not None:
        write_file(path, text)
        return
    with _patient_reader():
        click.echo(text, nl=False)


def show_lines(lines: Iterable[Line], path: str | None) -> None:
    """Write a text report to a file, or to standard output for None, there in colours if it is a terminal."""
    if path is not None or not in_colour():
        show("".join(f"{line.text}\n" for line in lines), path)
        return
    from safecheck.render.terminal import print_lines

    with _patient_reader():
        print_lines(lines, sys.stdout)


def show_reports(target: Target, reports: Sequence[Report]) -> None:
    """Put reports where they were asked for."""
    if target.format == "text":
        from safecheck.render.audit.text import lines

        show_lines(lines(reports), target.path)
    else:
        show(RENDERERS[target.format](reports), target.path)


@contextmanager
def _patient_reader() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        leave_closed_pipe()  # the reader has seen enough; the exit code stays what it is


def note(text: str) -> None:
    """One line on standard error that is no error."""
    click.echo(text, err=True)
