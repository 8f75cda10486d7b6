"""One run of audits: what was asked, what is kept, what has to be worked out, and what is shown.

Nothing that an audit needs is imported until a verdict is missing: a run over unchanged models only hashes them.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from safecheck.cli.committed import differing
from safecheck.cli.configured import keep_inside
from safecheck.cli.progress import progress
from safecheck.cli.reporting import note, show, show_lines
from safecheck.cli.summary import write_summary
from safecheck.errors import worst
from safecheck.render import RENDERERS
from safecheck.render.audit.outcome import KEPT, Outcome, from_json, of, text_lines
from safecheck.render.json_text import together
from safecheck.render.output import Target, parse_targets, refuse_clashes
from safecheck.workflow.cache.store import key_of
from safecheck.workflow.cache.verdicts import Verdicts, sha256_of
from safecheck.workflow.config.settings import NONE, Settings

if TYPE_CHECKING:
    from datetime import date

    from safecheck.audit.report import Report
    from safecheck.rulebook.profile import Profile


@dataclass(frozen=True, slots=True)
class Request:
    """What one run is asked for, command line and configuration put together."""

    models: tuple[tuple[str, str], ...]
    """Path and profile of each model."""
    outputs: tuple[str, ...] = ()
    deviations: tuple[str, ...] = ()
    baseline: str | None = None
    as_of: str | None = None
    jobs: int = 1
    cache: bool = True
    quiet: bool = False
    verbose: bool = False
    summary: str | None = None
    """File to append a job summary to."""
    release: bool = False
    """Whether to refuse what a release must not rest on; nothing is kept or taken from earlier runs then."""
    settings: Settings = NONE
    """The configuration, if the profiles come from it: its overlays must not lead outside the repository."""
    evidence: tuple[str, ...] = ()
    """Evidence of builds, each bound to one of the models; runs that take it in neither keep nor use verdicts."""
    confirm: bool = False
    """Whether to ask the vendor's scope check too, for the targets that it is about; its answers are not kept."""
    confirm_all: bool = False
    """Whether a target that the check is not about is a mistake."""
    show_layers: bool = False
    """Whether to show the layers that the vendor's parser made."""
    staged: bool = False
    """Whether only content counts that the index of the repository promises: a commit is about to be made."""

    @property
    def decisions(self) -> tuple[str, ...]:
        """Files in which the team has decided something."""
        return (*self.deviations, *((self.baseline,) if self.baseline is not None else ()))


def run(request: Request) -> int:
    """Audit, show, and give the exit code."""
    paths = [path for path, _ in request.models]
    targets = parse_targets(
        request.outputs, [*paths, *{name for _, name in request.models}, *request.decisions, *request.evidence]
    )
    day = _day(request)
    kept: list[Outcome | None] = [None] * len(paths)
    formats = {target.format for target in targets}
    verdicts = _verdicts(request, formats, day) if formats <= KEPT else None
    if verdicts is not None and request.summary is None:
        found = [verdicts.get(path, name) for path, name in request.models]
        if not request.decisions or all(found):  # decisions look at all models of a run together
            kept = [None if part is None else from_json(part) for part in found]
    missing = [task for task, outcome in zip(request.models, kept, strict=True) if outcome is None]
    if request.verbose:
        note(f"{len(paths) - len(missing)} of {len(paths)} verdicts are from earlier runs")
    reports = _audited(request, missing, formats, day) if missing else []
    made = [of(report, formats) for report in reports]
    if verdicts is not None:
        _keep(verdicts, missing, reports, made)
    fresh = iter(made)
    outcomes = [next(fresh) if outcome is None else outcome for outcome in kept]
    hashes = _hashes(paths, outcomes)
    refuse_clashes(targets, hashes)
    code = worst([outcome.exit_code for outcome in outcomes])
    for target in targets:
        _show(target, outcomes, reports, code, request.quiet)
    if request.summary is not None:
        write_summary(request.summary, reports)
    return worst([code, *(3 for _ in differing(hashes, request.staged) if request.staged)])


def _hashes(paths: Sequence[str], outcomes: Sequence[Outcome]) -> dict[str, str]:
    """Path -> SHA-256 of every file that a verdict is about: models and weights."""
    found = {}
    for path, outcome in zip(paths, outcomes, strict=True):
        if path != "-" and outcome.sha256:
            found[path] = outcome.sha256
            folder = os.path.dirname(path)
            found |= {os.path.join(folder, location): sha256 for location, sha256 in outcome.weights}
    return found


def _day(request: Request) -> date | None:
    """The day that expiry is judged by; a day that is none is a mistake, also where nothing is asked for it."""
    if not request.deviations and request.as_of is None:
        return None
    from safecheck.usecases.review import chosen_day

    return chosen_day(request.as_of)


def _verdicts(request: Request, formats: Collection[str], day: date | None) -> Verdicts | None:
    """The kept verdicts of runs that were asked the same."""
    if not request.cache or request.release or request.evidence or request.confirm:
        return None
    options = {"confined": request.settings.root, "formats": " ".join(sorted(formats))}
    if request.decisions:
        files = [(path, sha256_of(path)) for path in request.decisions]
        models = [(path, name, sha256_of(path)) for path, name in request.models]
        if any(entry[-1] is None for entry in (*files, *models)):
            return None
        options |= {
            "deviations": repr(files[: len(request.deviations)]),
            "baseline": repr(files[len(request.deviations) :]),
            "day": str(day) if request.deviations else "",
            "run": key_of({"models": repr(models)}),
        }
    return Verdicts(options)


def _keep(
    verdicts: Verdicts, tasks: Sequence[tuple[str, str]], reports: Sequence[Report], made: Sequence[Outcome]
) -> None:
    """Keep what was worked out, but nothing that could come out differently another time."""
    for (path, name), report, outcome in zip(tasks, reports, made, strict=True):
        if report.model is not None and not report.model.inference_problem:
            files = report.profile.files
            verdicts.put(path, name, outcome.sha256, outcome.weights, files, outcome.as_json())


def _audited(
    request: Request, tasks: Sequence[tuple[str, str]], formats: Collection[str], day: date | None
) -> list[Report]:
    """The reports on models whose verdict is not known."""
    from safecheck.decisions.baseline import load as load_baseline
    from safecheck.rulebook.load import profile
    from safecheck.usecases.audit import audit_all
    from safecheck.usecases.review import read_deviations, review

    for name in {name for _, name in tasks}:
        keep_inside(request.settings, name)
    books = [profile(name) for name in dict.fromkeys(name for _, name in tasks)]
    recorded = read_deviations(request.deviations, books) if request.deviations else None
    baseline = load_baseline(request.baseline) if request.baseline is not None else None
    illustrate = "html" in formats
    ask = _vendor(request, books)
    audited = []
    for report in progress(audit_all(tasks, request.jobs, illustrate), [path for path, _ in tasks], request.quiet):
        if report.error is not None:
            note(f"error[{report.error.code}]: {report.error}")
        audited.append(ask(report))
    reports = review(audited, recorded, day, baseline)
    if request.evidence:
        from safecheck.usecases.build import attach

        reports = attach(reports, request.evidence)
    if request.release:
        from safecheck.usecases.release_gate import for_release  # asks git, which an ordinary audit does not pay for

        reports = for_release(reports, request.deviations)
    return reports


def _vendor(request: Request, books: Sequence[Profile]) -> Callable[[Report], Report]:
    """What adds the vendor's answer to a report; nothing is read before it is known that the question can be asked."""
    if not request.confirm:
        return lambda report: report
    from safecheck.cli.spool import twice_readable_stdin
    from safecheck.nvidia.scope_check.confirm import confirmable, require_confirmable
    from safecheck.usecases.audit import confirm_report

    for book in books:
        if request.confirm_all or confirmable(book):
            require_confirmable(book)
    spool = twice_readable_stdin() if any(path == "-" for path, _ in request.models) else None

    def ask(report: Report) -> Report:
        if not confirmable(report.profile):
            return report
        return confirm_report(report, spool if report.path == "-" else None, layers=request.show_layers)

    return ask


def _show(target: Target, outcomes: list[Outcome], reports: list[Report], code: int, quiet: bool) -> None:
    if target.format == "text":
        show_lines(text_lines(outcomes, quiet), target.path)
    elif target.format == "json":
        show(together([outcome.json or {} for outcome in outcomes], code), target.path)
    else:
        show(RENDERERS[target.format](reports), target.path)
