"""Options that several commands share."""

from __future__ import annotations

import click  # noqa: TID251 - the room for click

from safecheck.rulebook.load import DEFAULT

profile_option = click.option(
    "--profile", "profile_name", metavar="ID|FILE", default=DEFAULT, show_default=True, help="Target to judge by."
)
