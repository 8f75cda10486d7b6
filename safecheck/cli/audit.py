"""The command `safecheck audit MODEL...`."""

from __future__ import annotations

from typing import Any

import click

from safecheck.cli import auditing
from safecheck.cli.of_one import OF_ONE
from safecheck.cli.options import PROFILE, as_of_option, isolated_option, page_options, reports_option
from safecheck.workflow.config.settings import DEFAULTS


@click.command()
@click.argument("models", metavar="[MODEL...]", nargs=-1)
@click.option(
    "--profile", "profile_names", metavar="ID|FILE", type=PROFILE, multiple=True,
    help="Target to judge by; may be repeated, every model is judged by each. "
    f"Default: that of the configuration, else {DEFAULTS['profile']}.",
)  # fmt: skip
@reports_option(OF_ONE)
@click.option(
    "--deviations",
    "deviation_files",
    metavar="FILE",
    multiple=True,
    help="Records of approved deviations; may be repeated. They mark findings, they never remove them.",
)
@as_of_option
@click.option("--baseline", "baseline_file", metavar="FILE", help="Known findings: only new ones fail the run.")
@click.option(
    "--release",
    is_flag=True,
    help="Refuse what a release must not rest on: a baseline, changed files, draft or unreviewed rules, invalid "
    "deviations.",
)
@click.option("--jobs", "-j", type=click.IntRange(1, 1024), help="Audit so many models at a time. Default: 1.")
@click.option("--cluster", metavar="ADDRESS", help="Have the Dask cluster at this address audit them (extra `fleet`).")
@click.option("--resume", is_flag=True, help="Go on from what an interrupted run with --output jsonl=FILE has kept.")
@click.option("--cache/--no-cache", default=None, help="Whether verdicts on unchanged content are kept and used.")
@click.option("--quiet", "-q", is_flag=True, help="One line a finding, of models that do not pass; then the counts.")
@click.option("--statistics", is_flag=True, help="Text: how often each rule speaks, instead of where.")
@click.option(
    "--exit-zero", is_flag=True,
    help="Exit with 0 whatever the verdict; with 2, 3 or 4 still where something could not be judged.",
)  # fmt: skip
@click.option("--verbose", "-v", is_flag=True, help="Say on standard error what was read and what was kept.")
@click.option("--summary/--no-summary", default=None, help="Job summary of GitHub Actions. Default: when run there.")
@click.option(
    "--evidence", "evidence_files", metavar="FILE", multiple=True,
    help="Evidence of a build of a model, as safecheck build writes it; may be repeated.",
)  # fmt: skip
@click.option(
    "--confirm/--no-confirm", default=None,
    help="Also ask the vendor's own scope check (extra `oracle`; TensorRT 10.x targets).",
)  # fmt: skip
@click.option("--show-layers", is_flag=True, help="With --confirm: our layers beside those of the vendor's parser.")
@click.option(
    "--plan", is_flag=True, help="Also work out what `safecheck fix` would leave, and for which price; writes nothing."
)
@page_options
@isolated_option
def audit(**options: Any) -> int:
    """Say for every node whether restricted mode allows it, and why.

    MODEL is an ONNX file, a folder that is searched for *.onnx, an address that fsspec knows, such as s3://BUCKET/PATH,
    or - for standard input. Without MODEL, the paths of
    the configuration are audited.
    """
    return auditing.audit(**options)
