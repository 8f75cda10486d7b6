"""The command `safecheck profiles`."""

from __future__ import annotations

import click

from safecheck.cli.output import emit
from safecheck.render import RENDERERS
from safecheck.render.output import Target
from safecheck.rulebook.load import profile, shipped


@click.command()
@click.option(
    "--output", type=click.Choice(list(RENDERERS["profiles"])), default="text", show_default=True, help="Format."
)
def profiles(output: str) -> int:
    """List the targets: what `--profile` takes, with their releases.

    The beginning of a name is enough while no other one begins so.
    """
    emit(Target(output, None), "profiles", [profile(name) for name in shipped()])
    return 0
