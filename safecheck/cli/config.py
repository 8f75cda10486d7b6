"""The commands `safecheck config ...`."""

from __future__ import annotations

import click

from safecheck.cli.configured import isolated_option, settings_for
from safecheck.cli.group import Group
from safecheck.cli.output import say
from safecheck.text import printable
from safecheck.workflow.config.settings import DEFAULTS


@click.group(cls=Group)
def config() -> None:
    """Look at the configuration of this repository."""


@config.command("show")
@click.option("--origin", "with_origin", is_flag=True, help="Also say where each value comes from.")
@isolated_option
def show(with_origin: bool, isolated: bool) -> int:
    """Show the values in force in the working directory."""
    settings = settings_for(isolated)
    for key in DEFAULTS:
        origin = f"  ({settings.origins.get(key, 'default')})" if with_origin else ""
        say(f"{key} = {_shown(settings.get(key))}{origin}")
    return 0


def _shown(value: object) -> str:
    if value is None or value in ((), {}):
        return "(none)"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return ", ".join(f"{printable(pattern)}: {printable(name)}" for pattern, name in value.items())
    return ", ".join(printable(part) for part in value) if isinstance(value, tuple) else printable(str(value))
