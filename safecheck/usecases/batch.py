"""Audit the models of a run, and hold against them what else was asked: decisions, the vendor, evidence, a release."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date

from safecheck.audit.report import Report
from safecheck.decisions.baseline import load as load_baseline
from safecheck.rulebook.load import profile
from safecheck.rulebook.profile import Profile
from safecheck.usecases.audit import Extras, audit_all, confirm_report
from safecheck.usecases.checks import Checks, ScopeCheck
from safecheck.usecases.review import read_deviations, review


def audit_batch(
    tasks: Sequence[tuple[str, str]],
    checks: Checks,
    day: date | None = None,
    jobs: int = 1,
    illustrate: bool = False,
    watch: Callable[[Iterable[Report]], Iterable[Report]] = iter,
) -> list[Report]:
    """One report per (path, profile), in order, with everything that was asked.

    `day` is that of `checks`; so many `jobs` are worked on at a time; with `illustrate` reports know their pictures.
    `watch` sees each report as it comes, before anything is held against it, and hands it on.

    Raises:
        UsageError, RuleFileError: a profile, a file of decisions or evidence does not hold, or does not fit the models.
    """
    books = [profile(name) for name in dict.fromkeys(name for _, name in tasks)]
    recorded = read_deviations(checks.deviations, books) if checks.deviations else None
    baseline = load_baseline(checks.baseline) if checks.baseline is not None else None
    ask = _vendor(checks.scope_check, tasks, books)
    audited = watch(audit_all(tasks, jobs, Extras(illustrate, checks.plan)))
    reports = review([ask(report) for report in audited], recorded, day, baseline)
    if checks.evidence:
        from safecheck.usecases.build import attach  # knows builders, which an ordinary audit does not pay for

        reports = attach(reports, checks.evidence)
    if checks.release:
        from safecheck.usecases.release_gate import for_release  # likewise for git

        reports = for_release(reports, checks.deviations, checks.reviewed)
    return reports


def _vendor(
    asked: ScopeCheck | None, tasks: Sequence[tuple[str, str]], books: Sequence[Profile]
) -> Callable[[Report], Report]:
    """What adds the vendor's answer to a report; nothing is read before it is known that the question can be asked."""
    if asked is None:
        return lambda report: report
    from safecheck.intake.spool import twice_readable_stdin
    from safecheck.nvidia.scope_check.confirm import confirmable, require_confirmable

    for book in books:
        if asked.required or confirmable(book):
            require_confirmable(book)
    spool = twice_readable_stdin() if any(path == "-" for path, _ in tasks) else None

    def ask(report: Report) -> Report:
        if not confirmable(report.profile):
            return report
        return confirm_report(report, spool if report.path == "-" else None, layers=asked.layers)

    return ask
