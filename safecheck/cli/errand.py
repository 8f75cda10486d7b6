"""What a process does for a run that judges each model by itself: audit one, keep what is shown, forget the rest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from safecheck.audit.report import Report
from safecheck.cli.output import complaint_of
from safecheck.render.kept.outcome import of
from safecheck.usecases.audit import audit_model
from safecheck.usecases.batch import vendor
from safecheck.usecases.checks import ScopeCheck
from safecheck.usecases.several import Task, book, contained, tidy
from safecheck.workflow.cache.verdicts import Rules, lasts, record_of

Numbered = tuple[int, Task]


@dataclass(frozen=True, slots=True)
class Errand:
    """What is the same for all models of a run."""

    formats: tuple[str, ...]
    scope_check: ScopeCheck | None
    rules: Mapping[str, Rules]
    """Profile -> the files of one's own that it was read from."""


class Done(NamedTuple):
    """All that is sent about one model: about as much as is shown of it."""

    sha256: str
    """Of the model file; empty if it could not be read."""
    lasts: bool
    """Whether another run may rely on it."""
    complaint: str
    """A line for standard error; empty if the model could be read."""
    record: bytes


def run_errand(errand: Errand, task: Numbered) -> Done:
    """Audit one model; `task` is its number with path and profile."""
    path, name = task[1]
    known = book(name)
    ask = vendor(errand.scope_check, [task[1]])
    done = told(errand, task, contained(path, known, lambda: ask(audit_model(path, known))))
    tidy()
    return done


def told(errand: Errand, task: Numbered, report: Report) -> Done:
    """What is sent of a report."""
    path, name = task[1]
    outcome = of(report, errand.formats)
    return Done(
        sha256=outcome.sha256,
        lasts=lasts(path, report),
        complaint="" if report.error is None else complaint_of(report.error),
        record=record_of(report, errand.rules[name], outcome.as_json()),
    )
