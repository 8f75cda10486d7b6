"""What several commands share."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import click

from safecheck.render import RENDERERS
from safecheck.rulebook.default import DEFAULT

profile_option = click.option(
    "--profile", "profile_name", metavar="ID|FILE",
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


def formats_of(kind: str) -> str:
    """The formats of a kind of result, for the help of a command: `text, json or html`."""
    *most, last = RENDERERS[kind]
    return f"{', '.join(most)} or {last}"
