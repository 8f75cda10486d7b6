"""The command `safecheck selftest`."""

from __future__ import annotations

import click

from safecheck.cli.interrupt import keeping
from safecheck.cli.options import PROFILE
from safecheck.cli.output import emit
from safecheck.cli.progress import counted
from safecheck.errors import UsageError
from safecheck.render import RENDERERS
from safecheck.render.output import Target
from safecheck.rulebook.load import shipped
from safecheck.strict.yaml import suggest
from safecheck.text import printable
from safecheck.usecases.selftest import run

FAILED = 4


@click.command()
@click.option("--profile", "profile_name", metavar="ID", type=PROFILE, help="Only the cases of this shipped profile.")
@click.option(
    "--output", type=click.Choice(list(RENDERERS["selftest"])), default="text", show_default=True, help="Format."
)
def selftest(profile_name: str | None, output: str) -> int:
    """Run the cases of every rule here, with the libraries installed here."""
    with keeping(()):
        outcomes = list(counted(run(profile_name), "cases"))
    if not outcomes:
        what = f"no cases for '{printable(str(profile_name), 80)}'{suggest(str(profile_name), shipped())}"
        raise UsageError("SC-CFG-PROFILE", "--profile", what, "leave the option out")
    emit(Target(output, None), "selftest", outcomes)
    return FAILED if any(outcome.problem for outcome in outcomes) else 0
