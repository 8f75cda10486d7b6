"""What a release forbids although the verdict may be good: the evidence must be complete and belong to one commit."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cache

from safecheck.audit.decisions import Release
from safecheck.audit.report import Report, relative
from safecheck.intake.repository import State, is_tracked, root_of, state_of
from safecheck.text import printable

_SHOWN = 3


def for_release(reports: Sequence[Report], decision_files: Iterable[str] = ()) -> list[Report]:
    """The reports of one run with what stands against a release; a violation fails the run, whatever the verdict.

    `decision_files` are the deviation files that were used.
    """
    state = cache(state_of)  # several models of one repository ask git once
    files = tuple(decision_files)
    found = []
    for report in reports:
        used = [*([] if report.path == "-" else [report.path]), *report.profile.files, *files]
        roots = {file: root_of(file) for file in used}
        states = {root: state(root) for root in roots.values() if root is not None}
        violations = (*_of_report(report), *(line for root in states for line in _of_state(states[root])))
        commits = {part.commit for part in states.values() if part.commit}
        release = Release(violations, tuple(_notes(report, roots, states)), tuple(sorted(commits)))
        found.append(replace(report, release=release))
    return found


def _of_report(report: Report) -> Iterator[str]:
    if report.error is not None:
        yield f"the model could not be read: {relative(report.error.what, report.path)} [{report.error.code}]"
    if not report.profile.released:
        yield f"the rules are a draft: {printable(report.profile.id, 80)} does not say status: released"
    for record in report.decisions.invalid:
        yield f"deviation {record.id} counts for nothing: {record.reason} ({record.place})"
    if report.decisions.baseline is not None:
        yield "a baseline was used"


def _of_state(state: State) -> Iterator[str]:
    name = printable(os.path.basename(state.root), 80)
    if state.problem:
        yield f"whether the repository {name} is clean could not be found out: {state.problem}"
    elif not state.commit:
        yield f"the repository {name} has no commit yet"
    if state.changes:
        shown = ", ".join(printable(path, 80) for path in state.changes[:_SHOWN])
        more = len(state.changes) - _SHOWN
        rest = f" and {more} more" if more > 0 else ""
        yield f"the repository {name} differs from its commit: {shown}{rest}"


def _notes(report: Report, roots: dict[str, str | None], states: dict[str, State]) -> Iterator[str]:
    if report.path == "-":
        yield "the model came from standard input: no repository was looked at for it"
    for file, root in roots.items():
        if root is None:
            yield f"{printable(os.path.basename(file))} lies in no git repository: no commit holds it"
        elif not states[root].problem and not is_tracked(root, file):
            yield f"{printable(os.path.basename(file))} is ignored or untracked: no commit holds it"
