"""The command `safecheck selftest`."""

from __future__ import annotations

import json

import click

from safecheck.errors import UsageError
from safecheck.rulebook.load import shipped
from safecheck.strict.yaml import suggest
from safecheck.text import printable
from safecheck.usecases.selftest import run

FAILED = 4


@click.command()
@click.option("--profile", "profile_name", metavar="ID", help="Only the cases of this shipped profile.")
@click.option("--output", type=click.Choice(["text", "json"]), default="text", show_default=True, help="Format.")
def selftest(profile_name: str | None, output: str) -> int:
    """Run the cases of every rule here, with the libraries installed here."""
    outcomes = list(run(profile_name))
    if not outcomes:
        what = f"no cases for '{printable(str(profile_name), 80)}'{suggest(str(profile_name), shipped())}"
        raise UsageError("SC-CFG-PROFILE", "--profile", what, "leave the option out")
    failed = [outcome for outcome in outcomes if outcome.problem]
    if output == "json":
        problems = [
            {"profile": part.case.profile, "file": part.case.file, "case": part.case.name, "problem": part.problem}
            for part in failed
        ]
        click.echo(json.dumps({"cases": len(outcomes), "failed": len(failed), "problems": problems}, indent=2))
    else:
        for part in failed:
            click.echo(f"failed  {part.case}: {part.problem}")
        click.echo(f"{len(outcomes) - len(failed)} of {len(outcomes)} cases give the expected verdicts")
    return FAILED if failed else 0
