"""The command `safecheck audit MODEL...`."""

from __future__ import annotations

from datetime import date

import click

from safecheck.audit.sign_off import Annex, SignOff
from safecheck.cli.auditing import Request, run
from safecheck.cli.configured import found_models, isolated_option, settings_for
from safecheck.cli.options import PROFILE, as_of_option, page_options, reports_option
from safecheck.cli.output import note
from safecheck.cli.summary import summary_file
from safecheck.errors import UsageError
from safecheck.usecases.checks import Checks, Reviewed, ScopeCheck
from safecheck.workflow.config.settings import DEFAULTS, NONE


@click.command()
@click.argument("models", metavar="[MODEL...]", nargs=-1)
@click.option(
    "--profile", "profile_names", metavar="ID|FILE", type=PROFILE, multiple=True,
    help="Target to judge by; may be repeated, every model is judged by each. "
    f"Default: that of the configuration, else {DEFAULTS['profile']}.",
)  # fmt: skip
@reports_option
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
def audit(
    models: tuple[str, ...], profile_names: tuple[str, ...], outputs: tuple[str, ...], deviation_files: tuple[str, ...],
    as_of: str | None, baseline_file: str | None, jobs: int | None, cache: bool | None, quiet: bool, verbose: bool,
    summary: bool | None, isolated: bool, release: bool, evidence_files: tuple[str, ...],
    confirm: bool | None, show_layers: bool, plan: bool, annex: Annex, reviewed_as_of: date | None, statistics: bool,
    exit_zero: bool,
) -> int:  # fmt: skip
    """Say for every node whether restricted mode allows it, and why.

    MODEL is an ONNX file, a folder that is searched for *.onnx, or - for standard input. Without MODEL, the paths of
    the configuration are audited.
    """
    if models.count("-") > 1:
        raise UsageError("SC-CFG-INPUT", "-", "standard input is named twice", "name it once")
    if "-" in models and len(set(profile_names)) > 1:
        what = "standard input can be read once, so by one profile"
        raise UsageError("SC-CFG-INPUT", "-", what, "give a file, or one --profile")
    if release and baseline_file is not None:
        what = "--release does not go with --baseline: debt is no approval"
        raise UsageError("SC-CFG-RELEASE", "--release", what, "leave one of them out, or record deviations")
    if release and exit_zero:
        raise UsageError("SC-CFG-RELEASE", "--release", "--exit-zero would let it pass", "leave one of them out")
    settings = settings_for(isolated)
    if verbose and settings.file:
        note(f"configuration: {settings.file}")
    asked = settings.confirm if confirm is None else confirm
    if show_layers and not asked:
        raise UsageError("SC-CFG-CONFIRM", "--show-layers", "nothing was asked for layers", "add --confirm")
    paths = found_models(settings, models)
    return run(
        Request(
            models=tuple(
                (path, name) for path in paths for name in dict.fromkeys(profile_names) or (settings.profile_for(path),)
            ),
            outputs=outputs or settings.texts("output"),
            checks=Checks(
                deviations=deviation_files or settings.texts("deviations"),
                baseline=None if release else baseline_file or next(iter(settings.texts("baseline")), None),
                as_of=as_of,
                evidence=evidence_files,
                scope_check=ScopeCheck(required=bool(confirm), layers=show_layers) if asked else None,
                plan=plan,
                release=release,
                reviewed=Reviewed(settings.file, settings.release_overlays) if release else Reviewed(),
            ),
            jobs=jobs or settings.jobs,
            settings=NONE if profile_names else settings,
            cache=settings.cache if cache is None else cache,
            quiet=quiet,
            statistics=statistics,
            exit_zero=exit_zero,
            verbose=verbose,
            summary=summary_file(summary),
            sign_off=SignOff(annex, reviewed_as_of),
        )
    )
