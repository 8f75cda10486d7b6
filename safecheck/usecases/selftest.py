"""Run the cases of every rule in the user's environment: other versions of libraries, the same verdicts."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass

from safecheck.audit.report import Report
from safecheck.rulebook.cases import Case, cases
from safecheck.rulebook.load import profile
from safecheck.rulebook.profile import Profile
from safecheck.text import printable
from safecheck.usecases.audit import audit_model


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a case."""

    case: Case
    problem: str
    """What differs from what was expected; empty if nothing does."""


def run(only: str | None = None) -> Iterator[Outcome]:
    """Every shipped case, or those of one profile, one after the other."""
    books: dict[str, Profile] = {}
    with tempfile.TemporaryDirectory(prefix="safecheck-") as folder:
        for case in cases():
            if only is not None and case.profile.partition("@")[0] != only:
                continue
            book = books.get(case.profile)
            if book is None:
                book = books[case.profile] = profile(case.profile)
            try:
                report = audited(case, book, os.path.join(folder, "case.onnx"))
            except ValueError as error:
                yield Outcome(case, f"the onnx installed here cannot read it: {printable(str(error))}")
            else:
                yield Outcome(case, difference(case, report))


def audited(case: Case, book: Profile, path: str) -> Report:
    """The report on a case, whose model is written to `path`.

    Raises:
        ValueError: the onnx installed here cannot read the text of the case.
    """
    with open(path, "wb") as file:
        file.write(case.proto().SerializeToString())
    return audit_model(path, book)


def difference(case: Case, report: Report) -> str:
    """What a report says otherwise than the case expects; empty if nothing."""
    if report.audit is None:
        return f"not audited: {report.error}"
    verdicts = tuple(str(node.verdict) for node in report.audit.nodes)
    if verdicts != case.verdicts:
        return f"verdicts {', '.join(verdicts)} instead of {', '.join(case.verdicts)}"
    main = [node.location for node in report.audit.nodes if node.location.scope == ""]
    found = {finding.rule for finding in report.audit.findings if finding.location == main[case.node]}
    about_io = {finding.rule for finding in report.audit.findings if finding.location.index is None}
    allowed = {allowance.rule for allowance in report.audit.allowances}
    for what, actual, expected in (
        ("findings", found, case.findings),
        ("allowances", allowed, case.allowed_by),
        ("findings about inputs and outputs", about_io, about_io if case.model is None else case.model),
    ):
        if actual != expected:
            return f"{what} {', '.join(sorted(actual)) or 'none'} instead of {', '.join(sorted(expected)) or 'none'}"
    return ""
