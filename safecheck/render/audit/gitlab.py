"""GitLab code quality: a JSON array that a merge request shows beside its changes."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from safecheck.audit.report import Report
from safecheck.finding import Verdict
from safecheck.render.audit.problems import LONG, Problem, names, problems
from safecheck.render.json_text import dumped
from safecheck.text import printable

_SEVERITY = {Verdict.FORBIDDEN: "critical", Verdict.UNPROVEN: "major"}


def document(reports: Sequence[Report]) -> str:
    """Every problem of every model; an empty array where there is none."""
    found = [
        _entry(problem, report, name)
        for report, name in zip(reports, names(reports), strict=True)
        for problem in problems(report)
    ]
    return dumped(found)


def _entry(problem: Problem, report: Report, name: str) -> dict[str, Any]:
    description = problem.sentence
    if problem.deviation is not None:
        description += f" [deviation {printable(problem.deviation.id)}: {printable(problem.deviation.rationale, LONG)}]"
    if not report.profile.shipped:
        description += f" [{printable(report.profile.id, LONG)}]"
    # Entries with equal fingerprints collapse into one, so the model and the profile take part.
    identity = "\n".join((report.profile.id, name, problem.rule, problem.fingerprint))
    return {
        "description": description,
        "check_name": problem.rule,
        "fingerprint": hashlib.sha256(identity.encode("utf-8", "surrogatepass")).hexdigest(),
        "severity": _severity(problem),
        "location": {"path": printable(name, LONG), "lines": {"begin": 1}},
    }


def _severity(problem: Problem) -> str:
    if problem.deviation is not None:
        return "info"
    return "minor" if problem.known else _SEVERITY[problem.verdict]
