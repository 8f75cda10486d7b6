"""Several models side by side, under several profiles: everything a comparison shows, nothing rendered yet."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from safecheck.audit.audit import audit
from safecheck.audit.decision import INTERFACE, decision
from safecheck.audit.kinds import CONSTANTS, ELEMENTWISE, MOVEMENT, WITH_WEIGHTS
from safecheck.audit.report import Report, relative, worst
from safecheck.cost.macs import Precision, Volume
from safecheck.cost.measured import Measurement
from safecheck.cost.price import network_price
from safecheck.cost.published import Match, Published, match, published
from safecheck.cost.traffic import BATCHES, CACHE, NodeCost
from safecheck.errors import InputError
from safecheck.finding import Grade, ModelVerdict, Verdict
from safecheck.intake.memory import InMemory
from safecheck.ir.model import load
from safecheck.rewrite.verdicts import Weight
from safecheck.rulebook.profile import Profile
from safecheck.text import printable
from safecheck.usecases.attempt import inputs_of
from safecheck.usecases.planned import Planned, plan
from safecheck.usecases.toll import FREE, Toll, toll

_ARTEFACTS = frozenset({CONSTANTS, ELEMENTWISE, INTERFACE, MOVEMENT, WITH_WEIGHTS})
"""What depends on how an exporter wrote the network, and not on which network it is: what a MatMul with weights does, a
convolution does as well."""
NAMED = "named on the command line"
WEIGHTS = "safecheck.weights"
"""Key of a file's metadata that says where its weights are from; `safecheck zoo export` writes it."""


@dataclass(frozen=True, slots=True)
class Stop:
    """One kind of layer that stops a model, in words that a reader knows."""

    what: str
    """`LayerNormalization`, `products of activations`, an operator of the file."""
    places: int
    artefact: bool
    """Whether it depends on the exporter."""


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
    planned: str = ""
    """The verdict on the rewritten model, before any proof; empty if it is not known."""
    toll: Toll = FREE
    """What the rewritten model costs beside the original."""
    stops: tuple[Stop, ...] = ()
    """What stops the network first, then what its exporter added; of each what has the most places first."""


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
    """How the published network was found, or why a similar one is none."""
    measured: tuple[Measurement, ...] = ()
    error_code: str = ""
    sizes: tuple[tuple[str, int | None, int | None], ...] = ()
    """Precision, bytes of the weights, bytes that all nodes read and write for the batch of the file."""
    opsets: tuple[tuple[str, int], ...] = ()
    producer: str = ""
    """The exporter, as the file names it."""
    weights: str = ""
    """Where the weights are from, as the file says; empty if it does not."""
    nodes: tuple[NodeCost, ...] = ()
    """Node by node, without those that do nothing; empty if a size is not known."""


@dataclass(frozen=True, slots=True)
class Contrast:
    """All models, in the order given."""

    profiles: tuple[Profile, ...]
    models: tuple[Compared, ...]
    cache: int = CACHE
    """Bytes on chip that the traffic estimate assumes; 0 for none."""
    unused: int = 0
    """Measurements of none of the models."""

    @property
    def exit_code(self) -> int:
        """The worst of all verdicts."""
        return worst([standing.exit_code for model in self.models for standing in model.standings])


def labels(paths: Sequence[str]) -> list[str]:
    """How the models are called: by their file names, with as many folders as it takes to tell them apart."""
    parts = [os.path.normpath(path).split(os.sep) for path in paths]
    for depth in range(1, max(map(len, parts)) + 1):
        found = ["/".join(part[-depth:]) for part in parts]
        if len(set(found)) == len(found):
            break
    return found


def contrast_one(
    source: str | InMemory,
    name: str,
    profiles: Sequence[Profile],
    named: str | None,
    measurements: Sequence[Measurement],
    cache: int,
    claimed: Collection[str] = (),
) -> Compared:
    """One column of the comparison: a model under every profile. A model that cannot be read says so.

    `named` is the published network that the user says this is; `claimed` are names that bind every model of their
    structure. Structure alone binds nothing: other weights have other figures.
    """
    path = source if isinstance(source, str) else source.path
    try:
        model = load(source)
    except InputError as error:
        return unreadable(path, name, profiles, error)
    reports = [Report(path, profile, model, audit(model, profile), None) for profile in profiles]
    cost = reports[0].cost
    assert cost is not None
    reference = bound(match(cost) if named is None else Match(published()[named], NAMED), named, claimed)
    operators = Counter(node.location.op_type for node in reports[0].audit.nodes) if reports[0].audit else Counter()
    return Compared(
        name,
        path,
        model.sha256,
        "",
        tuple(_standing(report) for report in reports),
        parameters=model.parameters,
        macs=cost.macs,
        unknown_because=cost.problem,
        traffic=tuple(
            (str(precision), tuple(cost.traffic(precision, batch, cache) for batch in BATCHES))
            for precision in Precision
        ),
        operators=tuple(sorted(operators.items(), key=lambda item: (-item[1], item[0]))),
        reference=reference.network,
        reference_by=reference.because,
        measured=tuple(part for part in measurements if part.is_of(path, model.sha256)),
        sizes=tuple((str(part), _bytes(cost.weights, part), _bytes(cost.activations, part)) for part in Precision),
        opsets=tuple(sorted(model.opset_imports.items())),
        producer=model.producer,
        weights=next((printable(part.value, 80) for part in model.proto.metadata_props if part.key == WEIGHTS), ""),
        nodes=tuple(cost.nodes()),
    )


def unreadable(path: str, name: str, profiles: Sequence[Profile], error: InputError) -> Compared:
    """The column of a model of which nothing is known."""
    standings = tuple(
        Standing(profile.id, "inconclusive", error.exit_code, 0, (0, 0, 0), (), None, "") for profile in profiles
    )
    # Not where: that may be an absolute path, and a report does not say where the caller's disk is.
    what = relative(error.what, path)
    return Compared(name, path, "", f"{what}; {relative(error.todo, path)}", standings, error_code=error.code)


def bound(found: Match, named: str | None, claimed: Collection[str]) -> Match:
    """A published network only where the user has said that this is one, by its path or for its structure."""
    network = found.network
    if network is None or named is not None:
        return found
    if network.id in claimed:
        return Match(network, f"named on the command line; {found.because}")
    return Match(None, f"its structure is that of {network.id} ({found.because}), but nobody has said that it is it")


def _bytes(size: Volume | None, precision: Precision) -> int | None:
    return None if size is None else size.bytes(precision)


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
        None if after is None else (after.weight.forbidden, after.weight.unproven),
        reason,
        "" if after is None or after.verdict is None else str(after.verdict),
        FREE if after is None else after.toll,
        tuple(_stops(report)),
    )


def _stops(report: Report) -> list[Stop]:
    found = [Stop(row.what, row.places, row.what in _ARTEFACTS) for row in decision(report)]
    return sorted(found, key=lambda stop: (stop.artefact, -stop.places, stop.what))


def _after_fix(report: Report) -> tuple[Planned | None, str]:
    """What is left when every rewrite is carried out whose result the profile likes better, or why nobody knows."""
    assert report.model is not None
    assert report.audit is not None
    if report.verdict is ModelVerdict.COMPLIANT:  # as it is: there is nothing to pay
        price = network_price(report.model.graph, report.audit.signatures.nodes)
        return Planned(Weight(), report.verdict, toll(price, price, inputs_of(report.model.proto), None, None)), ""
    try:
        return plan(report, report.model), ""
    except InputError as error:
        return None, str(error)
