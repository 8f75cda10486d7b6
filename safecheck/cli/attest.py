"""The command `safecheck attest MODEL`."""

from __future__ import annotations

import click

from safecheck.audit.report import Report
from safecheck.cli.configured import files_read
from safecheck.cli.output import emit
from safecheck.cli.reviewing import review_options
from safecheck.render import RENDERERS
from safecheck.render.output import Target, check_targets, targets_of
from safecheck.usecases.checks import Checks
from safecheck.workflow.config.settings import Settings


@click.command()
@click.argument("model", metavar="MODEL")
@click.option(
    "--output", "outputs", metavar="FORMAT[=PATH]", multiple=True,
    help=f"Format ({', '.join(RENDERERS['attest'])}), to a file with =PATH; may be repeated. Default: intoto.",
)  # fmt: skip
@review_options
def attest(report: Report, checks: Checks, settings: Settings, outputs: tuple[str, ...]) -> int:
    """Write what is claimed about MODEL for other tools to sign: an in-toto statement, a CycloneDX ML-BOM.

    Both are unsigned; docs/release-review.md signs them with a key. The exit code is that of the audit.
    """
    targets = targets_of("attest", outputs) if outputs else (Target("intoto", None),)
    read = [report.path, *report.weight_files, *files_read(report.profile), *checks.decisions, *checks.evidence]
    check_targets(targets, read)
    for target in targets:
        emit(target, "attest", report)
    return report.exit_code
