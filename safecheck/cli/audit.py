"""The command `safecheck audit MODEL...`."""

from __future__ import annotations

import sys

import click  # noqa: TID251 - the room for click

from safecheck.baseline import load as load_baseline
from safecheck.cli.options import as_of_option, complain_about, leave_closed_pipe, profile_option
from safecheck.errors import UsageError
from safecheck.pipeline import audit_models, find_models
from safecheck.render import RENDERERS
from safecheck.render.output import Target, parse_targets, refuse_clashes, write_file
from safecheck.report import Report, worst
from safecheck.review import chosen_day, read_deviations, review
from safecheck.rulebook.load import profile


@click.command()
@click.argument("models", metavar="MODEL...", nargs=-1, required=True)
@profile_option
@click.option(
    "--output", "outputs", metavar="FORMAT[=PATH]", multiple=True,
    help=f"Format of the result ({', '.join(RENDERERS)}), to a file with =PATH; may be repeated. Default: text.",
)  # fmt: skip
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
    help="Refuse what a release must not rest on: a baseline, changed files, draft rules, invalid deviations.",
)
def audit(
    models: tuple[str, ...], profile_name: str, outputs: tuple[str, ...], deviation_files: tuple[str, ...],
    as_of: str | None, baseline_file: str | None, release: bool,
) -> int:  # fmt: skip
    """Say for every node whether restricted mode allows it, and why.

    MODEL is an ONNX file, a folder that is searched for *.onnx, or - for standard input.
    """
    if models.count("-") > 1:
        raise UsageError("SC-CFG-INPUT", "-", "standard input is named twice", "name it once")
    rulebook = profile(profile_name)
    paths = find_models(models)
    if release and baseline_file is not None:
        what = "--release does not go with --baseline: debt is no approval"
        raise UsageError("SC-CFG-RELEASE", "--release", what, "leave one of them out, or record deviations")
    decisions = [*deviation_files, *([baseline_file] if baseline_file is not None else [])]
    targets = parse_targets(outputs, [*paths, profile_name, *decisions])
    day = chosen_day(as_of) if deviation_files or as_of is not None else None
    recorded = read_deviations(deviation_files, [rulebook]) if deviation_files else None
    baseline = load_baseline(baseline_file) if baseline_file is not None else None
    illustrate = any(target.format == "html" for target in targets)
    reports = review(complain_about(audit_models(paths, rulebook, illustrate)), recorded, day, baseline)
    if release:
        from safecheck.release import for_release  # asks git, which an ordinary audit does not pay for

        reports = for_release(reports, deviation_files)
    refuse_clashes(targets, (weights for report in reports for weights in report.weight_files))
    for target in targets:
        _emit(target, reports)
    return worst([report.exit_code for report in reports])


def _emit(target: Target, reports: list[Report]) -> None:
    if target.path is not None:
        write_file(target.path, RENDERERS[target.format](reports))
        return
    try:
        if target.format == "text" and sys.stdout is not None and sys.stdout.isatty():
            from safecheck.render.terminal import print_lines
            from safecheck.render.text import lines

            print_lines(lines(reports), sys.stdout)
        else:
            click.echo(RENDERERS[target.format](reports), nl=False)
    except BrokenPipeError:
        leave_closed_pipe()  # the reader has seen enough; the exit code stays what it is
