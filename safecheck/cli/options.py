"""What several commands share."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import click

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


isolated_option = click.option("--isolated", is_flag=True, help="Ignore every configuration file.")


def formats_of(kind: str) -> str:
    """The formats of a kind of result, for the help of a command: `text, json or html`."""
    *most, last = RENDERERS[kind]
    return f"{', '.join(most)} or {last}"
