"""Audit first, then have the model built, and set both answers side by side."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from safecheck.audit.evidence import BuildEvidence
from safecheck.audit.report import Report
from safecheck.errors import BuildError, InputError, UsageError
from safecheck.ir.model import Model
from safecheck.nvidia import log, record
from safecheck.nvidia.builder import Builder, Built, Places, carry_out
from safecheck.nvidia.evidence import evidence, held_against, imported, sha256
from safecheck.nvidia.plan import BuildPlan, plan, ports_of
from safecheck.nvidia.version import generation, release_of
from safecheck.rulebook.profile import Profile
from safecheck.text import printable

_MAX_LOG = 1 << 30


@dataclass(frozen=True, slots=True)
class Order:
    """What is asked of a builder."""

    precision: str | None = None
    batch: int | None = None
    release: str | None = None
    """Release of the builder, where it does not say so itself."""
    timeout: float = 3600.0
    """Seconds."""


@dataclass(frozen=True, slots=True)
class Planned:
    """A plan, and how trtexec is told."""

    plan: BuildPlan
    command: str
    """A line for a shell."""


def plan_for(model: Model, book: Profile, order: Order, release: str = "", safety: bool = True) -> BuildPlan:
    """The plan for a builder of `release`, or else of the one ordered, or else of the one of the profile.

    Raises:
        UsageError, InputError: as `safecheck.nvidia.plan.plan`; UsageError also if the builder is not the one ordered.
    """
    wanted = release_of(book.target["tensorrt"], "profile")
    chosen = release_of(order.release) if order.release else wanted
    if release:
        own = release_of(release, "the builder")
        if order.release and generation(own) != generation(chosen):
            what = f"the builder is TensorRT {release}, not {order.release}"
            raise UsageError("SC-CFG-RELEASE", "--tensorrt", what, "leave the option away")
        chosen = own
    operators = {node.op_type for node in model.graph}
    shape = ports_of(model.proto, operators, model.graph.scopes[0].tensors)
    return plan(book.id, book.target, wanted, chosen, shape, order.precision, order.batch, safety)


def build(report: Report, order: Order, builder: Builder, places: Places) -> tuple[Report, BuildPlan]:
    """The report with the answer of the builder.

    Raises:
        BuildError: the builder gave no answer; nothing but its log is left behind.
        UsageError, InputError: the model cannot be built as asked.
    """
    model, book = _judged(report), report.profile
    chosen = plan_for(model, book, order, builder.release)
    built = carry_out(chosen, builder, report.path, places, order.timeout)
    if not built.succeeded and built.summary.no_safety and chosen.capability == "SAFETY":
        chosen = plan_for(model, book, order, builder.release, safety=False)
        built = carry_out(chosen, builder, report.path, places, order.timeout)
    _unchanged(model, report.path)
    _name_release(built.summary, order)
    return replace(report, build=_evidence(report, built, builder, places)), chosen


def _evidence(report: Report, built: Built, builder: Builder, places: Places) -> BuildEvidence:
    found = evidence(built.summary, built.succeeded, report.profile.target, report.audit)
    return replace(
        found,
        backend=builder.name,
        reason=found.reason or built.plan.note,
        engine_sha256=sha256(places.engine) if built.succeeded else "",
        layers_sha256=sha256(places.layers) if built.succeeded and places.layers.is_file() else "",
        log_sha256=sha256(places.log),
        flags_set=built.plan.settings,
        command=built.command,
        seconds=found.seconds if found.seconds is not None else round(built.seconds, 3),
    )


def _name_release(summary: log.Summary, order: Order) -> None:
    """Up to 7.x trtexec does not say its release; then it is the one that the user names."""
    if not summary.tensorrt and order.release:
        summary.tensorrt = order.release


def unanswered(report: Report, builder: Builder, error: BuildError) -> Report:
    """The report after a builder that gave no answer."""
    found = BuildEvidence(builder.name, None, False, reason=error.what, tensorrt=builder.release)
    return replace(report, build=found)


def import_build(report: Report, order: Order, log_path: str, engine_path: str | None) -> Report:
    """The report with the evidence of a trtexec run made elsewhere, which is bound to this model from here on.

    Raises:
        UsageError: a file cannot be read, or the log is of another model.
        BuildError: the log is none of trtexec, or contradicts the engine.
    """
    _judged(report)
    try:
        if Path(log_path).stat().st_size > _MAX_LOG:
            raise BuildError(
                "SC-BUILD-LOG", printable(log_path), "the log has more than 1 GiB", "give the log of one run"
            )
        summary = log.read(Path(log_path))
        hashes = sha256(Path(log_path)), sha256(Path(engine_path)) if engine_path is not None else ""
        empty = engine_path is not None and not Path(engine_path).stat().st_size
    except OSError as error:
        where = printable(str(error.filename))
        raise UsageError("SC-EVI-READ", where, error.strerror or "it cannot be read", "give a readable file") from None
    where = printable(log_path)
    if summary.passed is None:
        what = "this is no complete log of trtexec: it has no closing mark"
        raise BuildError("SC-BUILD-GARBAGE", where, what, "give the whole output of one run")
    name = Path(summary.model.replace("\\", "/")).name
    if name and name != Path(report.path).name:
        what = f"the log is of a build of {printable(name)}, not of {printable(Path(report.path).name)}"
        raise UsageError("SC-EVI-MODEL", where, what, "name the model that was built, under the name it had")
    if empty or (engine_path is not None and not summary.passed):
        what = "the engine is empty" if empty else "the log is of a build that failed, yet there is an engine"
        raise BuildError("SC-BUILD-NOENGINE", where, what, "give the log and the engine of one run; - for no engine")
    _name_release(summary, order)
    found = evidence(summary, summary.passed, report.profile.target, report.audit)
    given = replace(
        found,
        backend="imported",
        engine_sha256=hashes[1],
        log_sha256=hashes[0],
        flags_set=imported(summary),
        command=printable(summary.command, 4000),
    )
    return replace(report, build=given)


def attach(reports: Sequence[Report], files: Sequence[str]) -> list[Report]:
    """Reports with the evidence of their models.

    Raises:
        UsageError: a file is not evidence, or not of one of the models, or a model has two.
    """
    found = list(reports)
    for path in files:
        evidence_file = record.read(path)
        readable = [at for at, report in enumerate(found) if report.model is not None]
        own = [at for at in readable if _model(found[at]).sha256 == evidence_file.sha256]
        if not own and len(readable) == 1:
            evidence_file.check_model(_model(found[readable[0]]), found[readable[0]].path)
        if not own and readable:
            what = f"it is evidence of the model {evidence_file.sha256[:16]}…, which is none of those audited"
            raise UsageError("SC-EVI-MODEL", printable(path), what, "give the evidence of these models")
        for at in own:
            report = found[at]
            evidence_file.check_model(_model(report), report.path)
            if report.build is not None:
                raise UsageError("SC-EVI-MODEL", printable(path), "the model has evidence already", "give one file")
            found[at] = replace(report, build=held_against(evidence_file.build, report.profile.target))
    return found


def _model(report: Report) -> Model:
    assert report.model is not None
    return report.model


def _judged(report: Report) -> Model:
    if report.error is not None:
        raise report.error
    return _model(report)


def _unchanged(model: Model, path: str) -> None:
    """What was built is what was audited."""
    folder = Path(path).parent
    files = [(Path(path), model.sha256), *((folder / file.path, file.sha256) for file in model.external_data)]
    for file, expected in files:
        with file.open("rb") as opened:
            if hashlib.file_digest(opened, "sha256").hexdigest() != expected:
                todo = "build again when nothing writes to it"
                raise InputError("SC-IO-CHANGED", printable(str(file)), "the file changed during the build", todo)
