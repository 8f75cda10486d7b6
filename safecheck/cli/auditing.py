"""One run of audits: what earlier runs have kept, what has to be worked out, and what is shown.

Nothing that an audit needs is imported until a verdict is missing: a run over unchanged models only hashes them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from safecheck.audit.sign_off import BLANK, Annex, SignOff
from safecheck.cli.committed import differing
from safecheck.cli.configured import found_models, keep_inside, settings_for
from safecheck.cli.interrupt import keeping
from safecheck.cli.of_one import OF_ONE, emit_one, refuse_several
from safecheck.cli.output import FOR_PEOPLE, complaining, emit, note, wrote
from safecheck.cli.progress import progress
from safecheck.cli.summary import summary_file, write_summary
from safecheck.errors import UsageError, worst
from safecheck.render import RENDERERS
from safecheck.render.kept.outcome import Outcome, Run, from_json, of
from safecheck.render.output import Target, check_targets, journals_of, refuse_clashes, targets_of
from safecheck.usecases.checks import Checks, Reviewed, ScopeCheck
from safecheck.values import dataclass, replace
from safecheck.workflow.config.settings import NONE, Settings

if TYPE_CHECKING:
    from datetime import date

    from safecheck.audit.report import Report
    from safecheck.workflow.cache.verdicts import Verdicts

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
    cluster: str = ""
    """Address of the Dask cluster that works on them; empty for this machine."""
    resume: bool = False
    """Whether to go on from what an interrupted run has kept."""
    sign_off: SignOff = BLANK
    """What the page that is signed says of itself."""
    staged: bool = False
    """Whether only content counts that the index of the repository promises: a commit is about to be made."""

    def code_of(self, outcome: Outcome) -> int:
        """The exit code for a model."""
        return 0 if self.exit_zero and outcome.is_judged else outcome.exit_code


def audit(
    models: tuple[str, ...],
    profile_names: tuple[str, ...] = (),
    outputs: tuple[str, ...] = (),
    deviation_files: tuple[str, ...] = (),
    as_of: str | None = None,
    baseline_file: str | None = None,
    jobs: int | None = None,
    cache: bool | None = None,
    quiet: bool = False,
    verbose: bool = False,
    summary: bool | None = None,
    isolated: bool = False,
    release: bool = False,
    evidence_files: tuple[str, ...] = (),
    confirm: bool | None = None,
    show_layers: bool = False,
    resume: bool = False,
    cluster: str | None = None,
    plan: bool = False,
    statistics: bool = False,
    exit_zero: bool = False,
    annex: Annex = "summary",
    reviewed_as_of: date | None = None,
) -> int:
    """Put the command line and the configuration together, and run; the names are those of the command's options."""
    if models.count("-") > 1:
        raise UsageError("SC-CFG-INPUT", "-", "standard input is named twice", "name it once")
    if "-" in models and len(set(profile_names)) > 1:
        what = "standard input can be read once, so by one profile"
        raise UsageError("SC-CFG-INPUT", "-", what, "give a file, or one --profile")
    if release and exit_zero:
        raise UsageError("SC-CFG-RELEASE", "--release", "--exit-zero would let it pass", "leave one of them out")
    settings = settings_for(isolated)
    baseline = baseline_file or next(iter(settings.texts("baseline")), None)
    if release and baseline is not None:
        named = "--baseline" if baseline_file is not None else f"the baseline of {settings.origins['baseline']}"
        what = f"--release does not go with {named}: debt is no approval"
        raise UsageError("SC-CFG-RELEASE", "--release", what, "leave one of them out, or record deviations")
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
                baseline=baseline,
                as_of=as_of,
                evidence=evidence_files,
                scope_check=ScopeCheck(required=bool(confirm), layers=show_layers) if asked else None,
                plan=plan,
                release=release,
                reviewed=Reviewed(settings.file, settings.release_overlays) if release else Reviewed(),
            ),
            jobs=jobs or settings.jobs,
            cluster=cluster or "",
            resume=resume,
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


def run(request: Request) -> int:
    """Audit, show, and give the exit code."""
    targets = _targets(request)
    formats = {"text" if target.format == "concise" else target.format for target in targets}
    day = request.checks.day()
    is_kept = formats <= RENDERERS["kept"].keys() and request.summary is None
    if is_kept and request.checks.apart and (len(request.models) > 1 or request.resume or request.cluster):
        from safecheck.cli.streaming import streamed  # one model is shown without all that
        from safecheck.workflow.cache.verdicts import verdicts_of

        verdicts = verdicts_of(request.models, request.checks, formats, request.settings.root, day)
        code, hashes = streamed(request, targets, formats, verdicts)
    elif request.resume or request.cluster:
        what = "this is for runs that judge each model by itself"
        todo = "use --output text, json or jsonl, and no deviations, baseline, evidence, release or job summary"
        raise UsageError("SC-CFG-APART", "--resume" if request.resume else "--cluster", what, todo)
    else:
        with keeping(target.path for target in targets):
            code, hashes = _together(request, targets, formats, day)
    changed = differing(hashes, request.staged)
    return worst([code, *(3 for _ in changed if request.staged)])


def _together(
    request: Request, targets: Sequence[Target], formats: Collection[str], day: date | None
) -> tuple[int, dict[str, str]]:
    """Audit and show models whose reports are needed all at once; the exit code, and the hash of what was judged."""
    verdicts = _verdicts(request, formats, day)
    kept = _kept(request, verdicts)
    missing = [task for task, outcome in zip(request.models, kept, strict=True) if outcome is None]
    if request.verbose:
        note(f"{len(kept) - len(missing)} of {len(kept)} verdicts are from earlier runs")
    reports = _audited(request, missing, day, "html" in formats)
    made = [of(report, formats) for report in reports]
    if verdicts is not None:
        from safecheck.workflow.cache.verdicts import record_of, rules_of

        for task, report, outcome in zip(missing, reports, made, strict=True):
            record = record_of(task[0], report, rules_of(report.profile.files), outcome.as_json(), {})
            verdicts.put(*task, report, record)
    fresh = iter(made)
    outcomes = tuple(next(fresh) if outcome is None else outcome for outcome in kept)
    found = zip(request.models, outcomes, strict=True)
    hashes = {name: sha256 for (path, _), outcome in found for name, sha256 in outcome.hashes(path).items()}
    refuse_clashes(targets, hashes)
    for target in targets:
        if target.path is None and target.format in FOR_PEOPLE and all(one.is_missing for one in outcomes):
            continue  # standard error has said it in a line for each
        if target.format in RENDERERS["kept"]:
            emit(target, "kept", Run(outcomes, request.quiet))
        elif target.format in OF_ONE:
            emit_one(target, reports[0])
        else:
            emit(target, "audit", reports)
    if not request.quiet:
        wrote(targets, Counter(outcome.verdict for outcome in outcomes))
    if request.summary is not None:
        write_summary(request.summary, reports)
    return worst([request.code_of(outcome) for outcome in outcomes]), hashes


def _targets(request: Request) -> tuple[Target, ...]:
    text = "statistics" if request.statistics else "concise" if request.quiet else "text"
    targets = tuple(
        replace(target, format=text) if target.format == "text" else target
        for target in targets_of("audit", request.outputs, OF_ONE)
    )
    refuse_several(targets, request.models)
    paths, profiles = zip(*request.models, strict=True)
    read = [*paths, *profiles, *request.checks.decisions, *request.checks.evidence]
    if any(target.path is not None for target in targets):
        from safecheck.rulebook.overlay import chain

        read += [request.settings.file] if request.settings.file else []
        read += [file for name in dict.fromkeys(profiles) for file in chain(name)]
    check_targets((*targets, *journals_of(targets)), read)
    return targets


def _verdicts(request: Request, formats: Iterable[str], day: date | None) -> Verdicts | None:
    """The verdicts of runs that were asked the same; None if none are kept of such a run."""
    if not request.cache or not request.checks.lasts or not set(formats) <= RENDERERS["kept"].keys():
        return None
    from safecheck.workflow.cache.verdicts import verdicts_of

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
