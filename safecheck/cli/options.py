"""What several commands share."""

from __future__ import annotations

import os
import sys

import click  # noqa: TID251 - the room for click

from safecheck.rulebook.load import DEFAULT

profile_option = click.option(
    "--profile", "profile_name", metavar="ID|FILE", default=DEFAULT, show_default=True, help="Target to judge by."
)


def leave_closed_pipe() -> None:
    """The reader of standard output is gone: be quiet from now on, also when the interpreter flushes at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
