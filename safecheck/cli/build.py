"""The command `safecheck build MODEL`."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import click

from safecheck.audit.report import Report
from safecheck.audit.sign_off import Annex, SignOff
from safecheck.cli.configured import chosen_profile, files_read
from safecheck.cli.options import formats_of, page_options, profile_option, reports_option
from safecheck.cli.output import complain, emit
from safecheck.errors import BuildError, UsageError
from safecheck.nvidia import record
from safecheck.nvidia.backends.find import find_builder
from safecheck.nvidia.builder import Places
from safecheck.nvidia.commandline import arguments, shell_line
from safecheck.nvidia.plan import PRECISIONS, BuildPlan
from safecheck.render import RENDERERS
from safecheck.render.output import Target, check_targets, refuse_clashes, targets_of, write_file
from safecheck.rulebook.load import profile
from safecheck.text import printable
from safecheck.usecases.audit import audit_model
from safecheck.usecases.build import Order, Planned, import_build, plan_for, unanswered
from safecheck.usecases.build import build as carry_out


@click.command()
@click.argument("model", metavar="MODEL")
@profile_option
@click.option("--precision", type=click.Choice(PRECISIONS), help="Default: what the release and the model allow.")
@click.option("--batch", type=click.IntRange(1), help="Refuse a model whose batch is another one.")
@click.option("--backend", type=click.Choice(("tensorrt", "trtexec")), help="Default: trtexec if --trtexec is given.")
@click.option("--trtexec", "trtexec", metavar="PATH", help="The trtexec to build with.")
@click.option("--python", "interpreter", metavar="PATH", help="The Python that has the package tensorrt.")
@click.option("--tensorrt", "release", metavar="VERSION", help="Release to plan for. Default: that of the builder.")
@click.option(
    "--timeout", type=click.FloatRange(0, min_open=True), default=3600.0, show_default=True,
    help="Seconds after which the builder is stopped.",
)  # fmt: skip
@click.option("--engine", metavar="OUT.engine", help="Where the engine goes. Default: the model's name, here.")
@click.option("--evidence", metavar="OUT.json", help="Where the evidence goes. Default: beside the engine.")
@click.option("--plan", "only_plan", is_flag=True, help="Build nothing: print the plan and the exact trtexec line.")
@click.option(
    "--import", "imported", nargs=2, metavar="LOG ENGINE", default=None,
    help="Take the log and the engine of a trtexec run elsewhere; - for no engine.",
)  # fmt: skip
@reports_option()
@page_options
def build(
    model: str, profile_name: str | None, precision: str | None, batch: int | None, backend: str | None,
    trtexec: str | None, interpreter: str | None, release: str | None, timeout: float, engine: str | None,
    evidence: str | None, only_plan: bool, imported: tuple[str, str] | None, outputs: tuple[str, ...],
    annex: Annex, reviewed_as_of: date | None,
) -> int:  # fmt: skip
    """Build with the safety flag, and set the builder's answer beside the audit's.

    Keeps the engine, its log, the layer information and an evidence file. A refusal by the builder is non-compliant,
    whatever the audit says; a build that succeeds makes no verdict better.
    """
    if model == "-" or os.path.isdir(model):
        raise UsageError("SC-CFG-INPUT", printable(model), "a builder reads one model file", "give a file")
    _check_options(backend, trtexec, interpreter, imported is not None)
    rulebook = profile(chosen_profile(profile_name, [model]))
    order = Order(precision, batch, release, timeout)
    places = Places(Path(engine if engine is not None else Path(model).stem + ".engine"))
    programs = (path for path in (trtexec, interpreter) if path is not None)
    inputs = [model, *files_read(rulebook), *(imported or ()), *programs]
    targets = targets_of("audit", outputs)
    check_targets(targets, inputs)
    if only_plan:
        report = _readable(audit_model(model, rulebook))
        assert report.model is not None
        refuse_clashes(targets, report.weight_files)
        planned = _planned(plan_for(report.model, rulebook, order), trtexec or "trtexec", model, places)
        _check_plan_formats(targets)
        for target in targets:
            emit(target, "plan", planned)
        return 0
    kept = evidence if evidence is not None else f"{places.engine}.evidence.json"
    made = () if imported is not None else (places.engine, places.log, places.failed_log, places.layers)
    files = [*targets, Target("json", kept), *(Target("file", str(path)) for path in made)]
    check_targets(files, inputs)
    builder = None if imported is not None else find_builder(backend, trtexec, interpreter, timeout)
    report = _readable(audit_model(model, rulebook))
    refuse_clashes(files, report.weight_files)
    plan = None
    if imported is not None:
        report = import_build(report, order, imported[0], None if imported[1] == "-" else imported[1])
    else:
        assert builder is not None
        try:
            report, plan = carry_out(report, order, builder, places)
        except BuildError as error:
            complain(error)
            report = unanswered(report, builder, error)
    if report.build is not None and report.build.succeeded is not None:
        write_file(kept, _record(report, plan))
    for target in targets:
        emit(target, "audit", [replace(report, sign_off=SignOff(annex, reviewed_as_of))])
    return report.exit_code


def _check_options(backend: str | None, trtexec: str | None, interpreter: str | None, imported: bool) -> None:
    """Refuse options that contradict each other."""
    chosen = [name for name, value in (("--trtexec", trtexec), ("--python", interpreter)) if value is not None]
    if len(chosen) == 2 or (backend == "tensorrt" and trtexec) or (backend == "trtexec" and interpreter):
        what = f"{' and '.join([*chosen, *(['--backend'] if len(chosen) < 2 else [])])} name two builders"
        raise UsageError("SC-CFG-BUILD", "", what, "keep one")
    if imported and (chosen or backend is not None):
        raise UsageError("SC-CFG-BUILD", "--import", "what was built elsewhere is not built here", "keep one of them")


def _readable(report: Report) -> Report:
    if report.error is not None:
        raise report.error
    return report


def _record(report: Report, plan: BuildPlan | None) -> str:
    assert report.model is not None
    assert report.build is not None
    book = {"id": report.profile.id, "version": report.profile.version, "sha256": report.profile.sha256}
    return record.write(report.model, book, plan, report.build, datetime.now(UTC).date().isoformat())


def _planned(plan: BuildPlan, program: str, model: str, places: Places) -> Planned:
    return Planned(plan, shell_line(program, arguments(plan, model, str(places.engine), str(places.layers))))


def _check_plan_formats(targets: tuple[Target, ...]) -> None:
    for target in targets:
        if target.format not in RENDERERS["plan"]:
            todo = f"use {formats_of('plan')}"
            raise UsageError("SC-OUT-FORMAT", "--output", f"a plan is no {target.format}", todo)
