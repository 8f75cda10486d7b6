"""One run of audits: what earlier runs have kept, what has to be worked out, and what is shown.

Nothing that an audit needs is imported until a verdict is missing: a run over unchanged models only hashes them.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from safecheck.audit.sign_off import BLANK, SignOff
from safecheck.cli.committed import differing
from safecheck.cli.configured import keep_inside
from safecheck.cli.interrupt import keeping
from safecheck.cli.output import complaining, emit, note, wrote
from safecheck.cli.progress import progress
from safecheck.cli.summary import write_summary
from safecheck.errors import worst
from safecheck.render import RENDERERS
from safecheck.render.kept.outcome import Outcome, Run, from_json, of
from safecheck.render.output import Target, check_targets, refuse_clashes, targets_of
from safecheck.usecases.checks import Checks
from safecheck.workflow.cache.verdicts import Verdicts, verdicts_of
from safecheck.workflow.config.settings import NONE, Settings

if TYPE_CHECKING:
    from datetime import date

    from safecheck.audit.report import Report

_FOR_PEOPLE = ("text", "concise", "statistics")
Task = tuple[str, str]
"""Path and profile of a model."""


@dataclass(frozen=True, slots=True)
class Request:
    """What one run is asked for, command line and configuration put together."""

    models: tuple[Task, ...]
    checks: Checks
    outputs: tuple[str, ...] = ()
    jobs: int = 1
    settings: Settings = NONE
    """The configuration, if the profiles come from it: its overlays must not lead outside the repository."""
    cache: bool = True
    """Whether verdicts on unchanged content are kept and used, where `checks` allow it."""
    quiet: bool = False
    """Whether only models that do not pass are shown, in the concise form."""
    statistics: bool = False
    """Whether text counts how often each rule speaks, instead of saying where."""
    exit_zero: bool = False
    """Whether a verdict fails nothing; what could not be judged still does."""
    verbose: bool = False
    summary: str | None = None
    """File to append a job summary to."""
    sign_off: SignOff = BLANK
    """What the page that is signed says of itself."""
    staged: bool = False
    """Whether only content counts that the index of the repository promises: a commit is about to be made."""


def run(request: Request) -> int:
    """Audit, show, and give the exit code."""
    targets = _targets(request)
    with keeping(target.path for target in targets):
        return _run(request, targets)


def _run(request: Request, targets: tuple[Target, ...]) -> int:
    formats = {"text" if target.format == "concise" else target.format for target in targets}
    day = request.checks.day()
    verdicts = _verdicts(request, formats, day)
    kept = _kept(request, verdicts)
    missing = [task for task, outcome in zip(request.models, kept, strict=True) if outcome is None]
    if request.verbose:
        note(f"{len(kept) - len(missing)} of {len(kept)} verdicts are from earlier runs")
    reports = _audited(request, missing, day, "html" in formats)
    made = [of(report, formats) for report in reports]
    if verdicts is not None:
        for task, report, outcome in zip(missing, reports, made, strict=True):
            verdicts.put(*task, report, outcome.as_json())
    fresh = iter(made)
    outcomes = tuple(next(fresh) if outcome is None else outcome for outcome in kept)
    hashes = _hashes(request.models, outcomes)
    refuse_clashes(targets, hashes)
    for target in targets:
        if target.path is None and target.format in _FOR_PEOPLE and not any(one.is_judged for one in outcomes):
            continue  # standard error has said it in a line for each
        if target.format in RENDERERS["kept"]:
            emit(target, "kept", Run(outcomes, request.quiet))
        else:
            emit(target, "audit", reports)
    if not request.quiet:
        wrote(targets, [outcome.verdict for outcome in outcomes])
    if request.summary is not None:
        write_summary(request.summary, reports)
    changed = differing(hashes, request.staged)
    codes = [0 if request.exit_zero and outcome.is_judged else outcome.exit_code for outcome in outcomes]
    return worst([*codes, *(3 for _ in changed if request.staged)])


def _targets(request: Request) -> tuple[Target, ...]:
    text = "statistics" if request.statistics else "concise" if request.quiet else "text"
    targets = tuple(
        replace(target, format=text) if target.format == "text" else target
        for target in targets_of("audit", request.outputs)
    )
    paths, profiles = zip(*request.models, strict=True)
    read = [*paths, *profiles, *request.checks.decisions, *request.checks.evidence]
    if any(target.path is not None for target in targets):
        from safecheck.rulebook.overlay import chain

        read += [request.settings.file] if request.settings.file else []
        read += [file for name in dict.fromkeys(profiles) for file in chain(name)]
    check_targets(targets, read)
    return targets


def _verdicts(request: Request, formats: Iterable[str], day: date | None) -> Verdicts | None:
    """The verdicts of runs that were asked the same; None if none are kept of such a run."""
    if not request.cache or not set(formats) <= RENDERERS["kept"].keys():
        return None
    return verdicts_of(request.models, request.checks, formats, request.settings.root, day)


def _kept(request: Request, verdicts: Verdicts | None) -> list[Outcome | None]:
    """What earlier runs have said about each model; a job summary is made from reports, which are not kept."""
    if verdicts is None or request.summary is not None:
        return [None] * len(request.models)
    found = verdicts.of(request.models)
    outcomes = [None if entry is None else from_json(entry) for entry in found]
    odd = any(entry is not None and outcome is None for entry, outcome in zip(found, outcomes, strict=True))
    return [None] * len(outcomes) if odd else outcomes


def _audited(request: Request, tasks: Sequence[Task], day: date | None, illustrate: bool) -> list[Report]:
    """The reports on models whose verdict is not known."""
    if not tasks:
        return []
    from safecheck.usecases.batch import audit_batch

    for name in {name for _, name in tasks}:
        keep_inside(request.settings, name)

    def watch(reports: Iterable[Report]) -> Iterator[Report]:
        return complaining(progress(reports, [path for path, _ in tasks], request.quiet))

    reports = audit_batch(tasks, request.checks, day, request.jobs, illustrate, watch)
    return [replace(report, sign_off=request.sign_off) for report in reports] if illustrate else reports


def _hashes(tasks: Sequence[Task], outcomes: Sequence[Outcome]) -> dict[str, str]:
    """Path -> SHA-256 of every file that a verdict is about: models and weights."""
    found = {}
    for (path, _), outcome in zip(tasks, outcomes, strict=True):
        if path != "-" and outcome.sha256:
            found[path] = outcome.sha256
            folder = os.path.dirname(path)
            found |= {os.path.join(folder, location): sha256 for location, sha256 in outcome.weights}
    return found
