"""Several models side by side, under several profiles: everything a comparison shows, nothing rendered yet."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from safecheck.audit import audit
from safecheck.bench.cost import Precision
from safecheck.bench.traffic import BATCHES
from safecheck.errors import InputError
from safecheck.finding import Grade, Verdict
from safecheck.fix import plan
from safecheck.measured import Measurement
from safecheck.model import load
from safecheck.published import Published, matched, published
from safecheck.report import Report, worst
from safecheck.rulebook.profile import Profile

FORBIDDEN_OR_UNPROVEN = (Verdict.FORBIDDEN, Verdict.UNPROVEN)


@dataclass(frozen=True, slots=True)
class Breach:
    """One rule that stops a model."""

    rule: str
    verdict: str
    grade: str
    title: str
    nodes: int


def weight(breach: Breach) -> tuple[bool, int, int, str]:
    """Sorts forbidden before unproven, then the best founded, then what most nodes break."""
    grades = [str(grade) for grade in Grade]
    founded = grades.index(breach.grade) if breach.grade in grades else len(grades)
    return breach.verdict != "forbidden", founded, -breach.nodes, breach.rule


@dataclass(frozen=True, slots=True)
class Standing:
    """One model under one profile."""

    profile: str
    verdict: str
    exit_code: int
    total: int
    counts: tuple[int, int, int]
    """Nodes allowed, forbidden, unproven."""
    breaches: tuple[Breach, ...]
    """Forbidden first, then the best founded."""
    after_fix: tuple[int, int] | None
    """Nodes forbidden and unproven in the rewritten model; None if it could not be computed."""
    not_fixed_because: str = ""


@dataclass(frozen=True, slots=True)
class Compared:
    """One model."""

    name: str
    path: str
    sha256: str
    error: str
    """Why the model could not be read, in visible characters as all errors; then nothing else is known."""
    standings: tuple[Standing, ...]
    parameters: int | None = None
    macs: int | None = None
    unknown_because: str = ""
    traffic: tuple[tuple[str, tuple[int | None, ...]], ...] = ()
    """Per precision, bytes per frame for each of `BATCHES`."""
    operators: tuple[tuple[str, int], ...] = ()
    """Most frequent first."""
    reference: Published | None = None
    reference_by: str = ""
    """How the published network was found: named by the user, or recognised by its size."""
    measured: tuple[Measurement, ...] = ()


@dataclass(frozen=True, slots=True)
class Contrast:
    """All models, in the order given."""

    profiles: tuple[Profile, ...]
    models: tuple[Compared, ...]

    @property
    def exit_code(self) -> int:
        """The worst of all verdicts."""
        return worst([standing.exit_code for model in self.models for standing in model.standings])


def contrast_one(
    path: str, profiles: Sequence[Profile], named: str | None, measurements: Sequence[Measurement]
) -> Compared:
    """One column of the comparison: a model under every profile. A model that cannot be read says so."""
    name = os.path.basename(path)
    try:
        model = load(path)
    except InputError as error:
        standings = tuple(
            Standing(profile.id, "inconclusive", error.exit_code, 0, (0, 0, 0), (), None, "") for profile in profiles
        )
        return Compared(name, path, "", str(error), standings)
    reports = [Report(path, profile, model, audit(model, profile), None) for profile in profiles]
    cost = reports[0].cost
    networks = published()
    reference = networks[named] if named is not None else matched(cost, networks)
    operators = Counter(node.location.op_type for node in reports[0].audit.nodes) if reports[0].audit else Counter()
    return Compared(
        name,
        path,
        model.sha256,
        "",
        tuple(_standing(report) for report in reports),
        model.parameters,
        None if cost is None else cost.macs,
        "" if cost is None else cost.problem,
        tuple(
            (str(precision), tuple(None if cost is None else cost.traffic(precision, batch) for batch in BATCHES))
            for precision in Precision
        ),
        tuple(sorted(operators.items(), key=lambda item: (-item[1], item[0]))),
        reference,
        "" if reference is None else "named on the command line" if named is not None else "recognised by its size",
        tuple(part for part in measurements if part.is_of(path, model.sha256)),
    )


def _standing(report: Report) -> Standing:
    assert report.audit is not None
    found = report.audit
    rules: dict[str, set[tuple[str, int | None]]] = {}
    breaches: dict[str, Breach] = {}
    for finding in found.findings:
        rules.setdefault(finding.rule, set()).add((finding.location.scope, finding.location.index))
        grade = "no evidence" if finding.grade is None else str(finding.grade)
        breaches.setdefault(finding.rule, Breach(finding.rule, str(finding.verdict), grade, finding.message, 0))
    counted = [
        Breach(breach.rule, breach.verdict, breach.grade, breach.title, len(rules[rule]))
        for rule, breach in breaches.items()
    ]
    after, reason = _after_fix(report)
    return Standing(
        report.profile.id,
        str(report.verdict),
        report.exit_code,
        len(found.nodes),
        (found.count(Verdict.ALLOWED), found.count(Verdict.FORBIDDEN), found.count(Verdict.UNPROVEN)),
        tuple(sorted(counted, key=weight)),
        after,
        reason,
    )


def _after_fix(report: Report) -> tuple[tuple[int, int] | None, str]:
    """Nodes that are left when every rewrite is carried out whose result the profile likes better."""
    assert report.model is not None
    assert report.audit is not None
    if not any(report.audit.count(verdict) for verdict in FORBIDDEN_OR_UNPROVEN):
        return (0, 0), ""
    try:
        weight = plan(report.model, report.profile)
    except InputError as error:
        return None, str(error)
    return (weight.forbidden, weight.unproven), ""
