"""What several commands share."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, datetime
from typing import Any, TypeVar

import click

from safecheck.audit.sign_off import ANNEXES
from safecheck.cli.group import Parameter
from safecheck.render import RENDERERS
from safecheck.rulebook.default import DEFAULT
from safecheck.rulebook.names import full_name


class ProfileName(Parameter):
    """A profile by its name, by the beginning of it, or by its file."""

    name = "profile"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The whole name; what is no name is left to whoever reads it."""
        return full_name(str(value))


PROFILE = ProfileName()

Command = TypeVar("Command", bound=Callable[..., Any])

profile_option = click.option(
    "--profile", "profile_name", metavar="ID|FILE", type=PROFILE,
    help=f"Target to judge by. Default: that of the configuration, else {DEFAULT}.",
)  # fmt: skip


def reports_option(more: Iterable[str] = ()) -> Callable[[Callable[..., int]], Callable[..., int]]:
    """`--output` of a command that writes reports on audits, and what else it writes."""
    return click.option(
        "--output", "outputs", metavar="FORMAT[=PATH]", multiple=True,
        help=f"Format of the result ({', '.join([*RENDERERS['audit'], *more])}), "
        "to a file with =PATH; may be repeated. Default: text.",
    )  # fmt: skip


as_of_option = click.option(
    "--as-of", "as_of", metavar="DATE",
    help="The day that the expiry of deviations is judged by. Default: that of SOURCE_DATE_EPOCH, else today (UTC).",
)  # fmt: skip


def _day(context: click.Context, option: click.Parameter, value: datetime | None) -> date | None:
    return None if value is None else value.date()


def page_options(command: Command) -> Command:
    """What the page that is signed says of itself, and how much of it is printed: `annex` and `reviewed_as_of`."""
    command = click.option(
        "--reviewed-as-of", metavar="DATE", type=click.DateTime(["%Y-%m-%d"]), callback=_day,
        help="The day of the review that the HTML page bears. Default: a line to write it on.",
    )(command)  # fmt: skip
    return click.option(
        "--annex", type=click.Choice(ANNEXES), default=ANNEXES[1], show_default=True,
        help="How much of the annex of the HTML page is printed.",
    )(command)  # fmt: skip


isolated_option = click.option("--isolated", is_flag=True, help="Ignore every configuration file.")


def formats_of(kind: str) -> str:
    """The formats of a kind of result, for the help of a command: `text, json or html`."""
    *most, last = RENDERERS[kind]
    return f"{', '.join(most)} or {last}"
