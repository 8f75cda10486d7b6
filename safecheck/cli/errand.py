"""What a process does for a run that judges each model by itself: audit one, keep what is shown, forget the rest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from safecheck.audit.report import Report
from safecheck.cli.output import complaint_of
from safecheck.errors import UsageError
from safecheck.intake.remote import shown
from safecheck.limits import set_limits
from safecheck.render.kept.outcome import of
from safecheck.text import printable
from safecheck.usecases.audit import audit_model
from safecheck.usecases.batch import vendor
from safecheck.usecases.checks import ScopeCheck
from safecheck.usecases.elsewhere import at_hand
from safecheck.usecases.several import Task, book, contained, tidy
from safecheck.workflow.cache.identity import installation
from safecheck.workflow.cache.verdicts import Rules, States, identity_of, lasts, record_of

Numbered = tuple[int, Task]


@dataclass(frozen=True, slots=True)
class Away:
    """What a process of a cluster has to know of the machine where the run was started."""

    folder: str
    """What relative paths start from; both see the same file system there, or models are named by address."""
    installation: str | None
    """The code and rules of that machine: others would give other verdicts."""


@dataclass(frozen=True, slots=True)
class Errand:
    """What is the same for all models of a run."""

    formats: tuple[str, ...]
    scope_check: ScopeCheck | None
    rules: Mapping[str, Rules]
    """Profile -> the files of one's own that it was read from."""
    books: Mapping[str, str]
    """Profile -> the SHA-256 that it has where the run was started."""
    limits: Mapping[str, float]
    """Limits that were raised where the run was started."""
    away: Away | None = None
    """Where the run was started, for a process that stands elsewhere."""


class Done(NamedTuple):
    """All that is sent about one model: about as much as is shown of it."""

    identity: str
    """What the model is known by another time; empty if it could not be read."""
    lasts: bool
    """Whether another run may rely on it."""
    complaint: str
    """A line for standard error; empty if the model could be read."""
    record: bytes


def run_errand(errand: Errand, task: Numbered) -> Done:
    """Audit one model; `task` is its number with path and profile."""
    set_limits(errand.limits)
    path, name = task[1]
    folder = errand.away.folder if errand.away is not None else ""
    known = book(name, errand.books[name], folder)
    ask = vendor(errand.scope_check, [task[1]])

    def audited() -> Report:
        if errand.away is not None and errand.away.installation != installation():
            what, todo = "the cluster has another safecheck than this machine", "install the same on both"
            raise UsageError("SC-ENV-CLUSTER", printable(path), what, todo)
        return at_hand(path, lambda local: ask(audit_model(local, known)), folder, states)

    states: dict[str, str | None] = {}
    done = told(errand, task, contained(shown(path), known, audited), states)
    tidy()
    return done


def told(errand: Errand, task: Numbered, report: Report, states: States) -> Done:
    """What is sent of a report on a model; `states` say what was read where it is at an address."""
    path, name = task[1]
    outcome = of(report, errand.formats)
    return Done(
        identity=identity_of(path, outcome.sha256, states),
        lasts=lasts(path, report),
        complaint="" if report.error is None else complaint_of(report.error),
        record=record_of(path, report, errand.rules[name], outcome.as_json(), states),
    )
