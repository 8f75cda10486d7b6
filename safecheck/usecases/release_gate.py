"""What a release forbids although the verdict may be good: the evidence must be complete and belong to one commit."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cache

from safecheck.audit.decisions import Release
from safecheck.audit.report import Report, relative
from safecheck.intake.repository import State, is_tracked, root_of, state_of
from safecheck.rulebook.profile import Profile
from safecheck.text import printable
from safecheck.usecases.checks import Reviewed

_SHOWN = 3
_NOTHING = Reviewed()


def for_release(
    reports: Sequence[Report],
    decision_files: Iterable[str] = (),
    reviewed: Reviewed = _NOTHING,
    one_of_many: bool = False,
) -> list[Report]:
    """The reports of one run with what stands against a release; a violation fails the run, whatever the verdict.

    `decision_files` are the deviation files that were used, `reviewed` what the configuration says of overlays.
    With `one_of_many`, records about other models stand against nothing: another run judges those.
    """
    state = cache(state_of)  # several models of one repository ask git once
    files = tuple(decision_files)
    found = []
    for report in reports:
        own = report.profile.files
        used = [*([] if report.path == "-" else [report.path]), *own, *files]
        used += [reviewed.file] if own and reviewed.file else []
        roots = {file: root_of(file) for file in used}
        states = {root: state(root) for root in roots.values() if root is not None}
        violations = (
            *_of_report(report, one_of_many),
            *_of_rules(report.profile, reviewed),
            *(line for root in states for line in _of_state(states[root])),
        )
        commits = {part.commit for part in states.values() if part.commit}
        release = Release(violations, tuple(_notes(report, roots, states)), tuple(sorted(commits)))
        found.append(replace(report, release=release))
    return found


def _of_report(report: Report, one_of_many: bool) -> Iterator[str]:
    if report.error is not None:
        yield f"the model could not be read: {relative(report.error.what, report.path)} [{report.error.code}]"
    if not report.profile.released:
        yield f"the rules are a draft: {printable(report.profile.id, 80)} does not say status: released"
    for record in report.decisions.invalid:
        if record.elsewhere and one_of_many:
            continue
        yield f"deviation {record.id} counts for nothing: {record.reason} ({record.place})"
    if report.decisions.baseline is not None:
        yield "a baseline was used"


def _of_rules(book: Profile, reviewed: Reviewed) -> Iterator[str]:
    """Rules of one's own judge a release only as somebody has reviewed them: by name and hash, in a commit."""
    if not book.files:
        return
    name = printable(os.path.basename(book.files[0]), 80)
    if not book.shipped:
        yield f"{book.id}: a release is judged by a shipped profile, or an overlay on one"
        return
    expected = {os.path.realpath(path): sha256 for path, sha256 in reviewed.overlays}.get(
        os.path.realpath(book.files[0])
    )
    root = root_of(reviewed.file) if reviewed.file else None
    if expected is None:
        yield f"the overlay {name} is not among release-overlays of the configuration; its SHA-256 is {book.sha256}"
    elif expected != book.sha256:
        yield f"the overlay {name} has SHA-256 {book.sha256}, release-overlays of the configuration says {expected}"
    elif root is None or not is_tracked(root, reviewed.file):
        yield f"the configuration that names the overlay {name} is in no commit"


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
