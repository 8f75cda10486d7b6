"""What several commands share."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

from safecheck.errors import UsageError
from safecheck.render.output import write_file
from safecheck.rulebook.default import DEFAULT
from safecheck.text import printable

if TYPE_CHECKING:  # a verdict that was kept is shown without knowing what a report is
    from safecheck.audit.report import Report

profile_option = click.option(
    "--profile", "profile_name", metavar="ID|FILE",
    help=f"Target to judge by. Default: that of the configuration, else {DEFAULT}.",
)  # fmt: skip

as_of_option = click.option(
    "--as-of", "as_of", metavar="DATE",
    help="The day that the expiry of deviations is judged by. Default: that of SOURCE_DATE_EPOCH, else today (UTC).",
)  # fmt: skip


def leave_closed_pipe() -> None:
    """The reader of standard output is gone: be quiet from now on, also when the interpreter flushes at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def complain_about(reports: Iterable[Report]) -> list[Report]:
    """The reports, with one line on standard error for each model that could not be read."""
    found = []
    for report in reports:
        if report.error is not None:
            click.echo(f"error[{report.error.code}]: {report.error}", err=True)
        found.append(report)
    return found


def write_new(path: str | None, text: str) -> None:
    """Write a file that must not exist yet, or to standard output.

    Raises:
        UsageError: the file exists or cannot be written.
    """
    if path is None:
        sys.stdout.write(text)
        return
    try:
        with open(path, "x", encoding="utf-8"):
            pass
    except OSError as error:
        raise UsageError("SC-OUT-PATH", printable(path), str(error.strerror), "name a new file") from error
    write_file(path, text)
