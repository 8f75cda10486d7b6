"""Hold what a team has decided against the reports of a run. An audit does not depend on decisions, so it comes first.

This is the entry point for everything that audits: the command line, hooks, and caches of audits.
"""

from __future__ import annotations

import datetime
import os
from collections.abc import Iterable, Sequence
from dataclasses import replace

from safecheck.audit.decisions import Decisions
from safecheck.audit.report import Report
from safecheck.decisions import baseline as baselines
from safecheck.decisions import deviations
from safecheck.decisions.baseline import Baseline
from safecheck.decisions.deviation_file import Record, day_of, records
from safecheck.errors import UsageError
from safecheck.finding import Finding
from safecheck.rulebook.load import profile, shipped
from safecheck.rulebook.profile import Profile
from safecheck.strict.yaml import suggest
from safecheck.text import printable


def review(
    reports: Sequence[Report],
    recorded: Sequence[Record] | None = None,
    as_of: datetime.date | None = None,
    baseline: Baseline | None = None,
) -> list[Report]:
    """The reports of one run with the decisions that concern them; verdict and exit code follow from these.

    `recorded` is None where no deviations were given. `as_of` is the day that expiry is judged by, today if None.

    Raises:
        UsageError: the baseline was made with another profile.
    """
    subjects = [deviations.Subject(_sha256(report), _findings(report), report.profile.mandatory) for report in reports]
    day = None if recorded is None else as_of or today()
    files = tuple(sorted({record.file_sha256 for record in recorded or ()}))
    matched = deviations.match(recorded or (), subjects, day) if day else [deviations.Matched() for _ in reports]
    found = []
    for report, part in zip(reports, matched, strict=True):
        debt, paid = _debt(report, baseline)
        decisions = Decisions(
            deviated=part.deviated,
            invalid=tuple(part.invalid),
            as_of=day,
            files=files,
            baseline=None if baseline is None else baseline.sha256,
            debt=debt - part.deviated.keys(),
            paid=paid,
        )
        found.append(replace(report, decisions=decisions))
    return found


def _sha256(report: Report) -> str:
    return report.model.sha256 if report.model is not None else ""


def _findings(report: Report) -> tuple[Finding, ...]:
    return report.audit.findings if report.audit is not None else ()


def _debt(report: Report, baseline: Baseline | None) -> tuple[frozenset[str], int]:
    debt = baseline.debt_of(report.path) if baseline is not None else None
    if baseline is None or debt is None or report.audit is None:
        return frozenset(), 0
    if debt.profile != report.profile.name:
        what = f"made with profile {printable(debt.profile, 80)}, but {printable(report.path)} is judged by another"
        todo = f"use --profile {printable(debt.profile, 80)}, or write a baseline for {report.profile.name}"
        raise UsageError("SC-BASE-PROFILE", printable(baseline.path), what, todo)
    left = baselines.remaining(debt, report.audit.findings, report.profile.mandatory)
    known = baselines.excused(debt, report.audit.findings, report.profile.mandatory)
    return known, len(debt.known) - len(left.known)


def read_deviations(paths: Iterable[str], profiles: Iterable[Profile]) -> tuple[Record, ...]:
    """The records of several files, every rule of which exists in one of the profiles or in a shipped one.

    Raises:
        UsageError: a file is broken, an id is taken twice, or there is no such rule.
    """
    found = records(paths)
    known = {rule.id for book in profiles for rule in book.rules}
    if any(record.rule not in known for record in found):
        known.update(rule.id for name in shipped() for rule in profile(name).rules)
    for record in found:
        if record.rule not in known:
            what = f"no rule '{printable(record.rule, 80)}'{suggest(record.rule, known)}"
            raise UsageError("SC-DEV-RULE", record.rule_place, what, "see `safecheck rules list`")
    return found


def today() -> datetime.date:
    """The day of SOURCE_DATE_EPOCH where that is set, for reproducible runs; else today. Both in UTC.

    Raises:
        UsageError: SOURCE_DATE_EPOCH is no number of seconds.
    """
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    if epoch is None:
        return datetime.datetime.now(datetime.UTC).date()
    try:
        if epoch.isascii() and epoch.isdigit():
            return datetime.datetime.fromtimestamp(int(epoch), datetime.UTC).date()
    except (OverflowError, OSError, ValueError):
        pass
    what = f"'{printable(epoch, 40)}' is no number of seconds since 1970"
    raise UsageError("SC-CFG-DATE", "SOURCE_DATE_EPOCH", what, "correct or unset it")


def chosen_day(text: str | None, where: str = "--as-of") -> datetime.date:
    """`2026-11-30` as a date, or `today` where nothing is given.

    Raises:
        UsageError: this is no day.
    """
    if text is None:
        return today()
    day = day_of(text)
    if day is None:
        raise UsageError("SC-CFG-DATE", where, f"'{printable(text, 40)}' is not a day", "write it like 2026-11-30")
    return day
