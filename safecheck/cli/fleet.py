"""The command `safecheck fleet RESULTS...`."""

from __future__ import annotations

import click

from safecheck.cli.output import emit
from safecheck.render import RENDERERS
from safecheck.render.output import check_targets, targets_of
from safecheck.usecases.fleet import fleet_of


@click.command()
@click.argument("results", metavar="RESULTS...", nargs=-1, required=True)
@click.option("--since", metavar="FLEET.json", help="An earlier report (--output json): say what has changed.")
@click.option(
    "--output", "outputs", metavar="FORMAT[=PATH]", multiple=True,
    help=f"Format of the report ({', '.join(RENDERERS['fleet'])}), to a file with =PATH; may be repeated.",
)  # fmt: skip
def fleet(results: tuple[str, ...], since: str | None, outputs: tuple[str, ...]) -> int:
    """Say of many models what stops them, which a change of target breaks, and what fix may free.

    RESULTS are what `safecheck audit --output jsonl=FILE` has written, for one target or several. The exit code is that
    of these audits.
    """
    targets = targets_of("fleet", outputs)
    check_targets(targets, [*results, *([since] if since is not None else [])])
    found = fleet_of(results, since)
    for target in targets:
        emit(target, "fleet", found)
    return found.exit_code
