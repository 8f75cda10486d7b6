"""Audit a model against a profile: one verdict for every node, findings for those that are not allowed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, NoReturn

from safecheck.audit.gaps import LAYER as GAP
from safecheck.audit.gaps import Gaps
from safecheck.audit.kinds import Part, parts
from safecheck.audit.remedies import Remedies
from safecheck.audit.view import View, file_signatures, view
from safecheck.cost.traffic import Products, products
from safecheck.errors import InputError, SafecheckError
from safecheck.finding import Evidence, Finding, Location, ModelVerdict, Verdict
from safecheck.ir.finding_id import Fingerprints
from safecheck.ir.graph import OpNode
from safecheck.ir.model import Model
from safecheck.ir.reach import imported_scopes, may_never_run
from safecheck.ir.signature import without_sizes
from safecheck.ir.signatures import Signatures
from safecheck.ir.validity import OPERAND, Validity, Violation, contradiction
from safecheck.ir.walk import every_graph
from safecheck.limits import limit, way_out
from safecheck.rulebook.judge import Charge, Judgement, judge_border, judge_call
from safecheck.rulebook.lowering.borders import borders
from safecheck.rulebook.profile import Profile
from safecheck.rulebook.recall import Recall
from safecheck.rulebook.rule import Rule
from safecheck.text import printable
from safecheck.values import dataclass, field

# The parser never gets to see the node, so it becomes no layer.
_SKIPPED = Judgement(Verdict.ALLOWED, (), (), ())


class Audited(NamedTuple):
    """One node with its verdict."""

    node: OpNode
    verdict: Verdict
    layers: tuple[str, ...]
    skipped: bool
    """True if the parser never imports it: in the branch that an If with a constant condition does not take, or in a
    function that nobody calls."""

    @property
    def location(self) -> Location:
        """Where it stands, put into words when somebody asks: of most nodes nobody does."""
        return self.node.location


@dataclass(frozen=True, slots=True)
class Allowance:
    """A rule that allows, and the nodes that rest on it; a node may rest on several."""

    rule: str
    title: str
    grade: str
    extrapolated: bool
    at: tuple[int, ...] = ()
    """Positions in `Audit.nodes`, rising."""

    @property
    def nodes(self) -> int:
        """How many nodes rest on it."""
        return len(self.at)


@dataclass(frozen=True, slots=True)
class Note:
    """A known defect of the release that a node meets. It warns, and changes no verdict."""

    rule: Rule
    location: Location


@dataclass(frozen=True, slots=True)
class Audit:
    """The verdict on a model, complete: the verdicts of all nodes add up to their number."""

    verdict: ModelVerdict
    nodes: tuple[Audited, ...]
    findings: tuple[Finding, ...]
    """In the order of the nodes; findings about the model itself come first."""
    allowances: tuple[Allowance, ...]
    """Rules that the allowed nodes rest on, most used first."""
    products: Products
    """What the convolutions and products of the main graph amount to."""
    signatures: Signatures = field(repr=False)
    """The nodes with their signatures, in the same order: what a cost is computed from."""
    notes: tuple[Note, ...] = ()
    """Known defects of the release that nodes meet, in the order of the nodes."""
    parts: tuple[Part, ...] = field(default=(), repr=False)
    """What each node is part of; empty where no node has findings, and nobody asks."""

    @property
    def macs(self) -> int | None:
        """Multiply-accumulates of the main graph; None if a shape is not known."""
        return self.products.macs

    def count(self, verdict: Verdict) -> int:
        """Number of nodes with this verdict."""
        return sum(node.verdict is verdict for node in self.nodes)

    @property
    def skipped(self) -> int:
        """Number of nodes that the parser never imports."""
        return sum(node.skipped for node in self.nodes)


class CoverageError(SafecheckError):
    """A node was lost or counted twice: a bug in safecheck (exit 4)."""

    exit_code = 4


def audit(model: Model, profile: Profile) -> Audit:
    """Judge every node of the main graph, of nested graphs and of model-local functions that the parser imports.

    Raises:
        InputError: ONNX forbids a node, so that there is no network to judge, or there are more findings than a report
            may hold; exit code 3.
    """
    seen = view(model, profile.table.local_functions)
    gap_rule = next((rule for rule in profile.rules_for_layer(GAP) if GAP in rule.layers), None)
    judged = _judgements(seen, profile, model, gap_rule)
    gaps = Gaps(seen.found, [judgement.verdict is Verdict.UNPROVEN for judgement in judged])
    fingerprints, ways = Fingerprints(), Remedies(model)
    nodes: list[Audited] = []
    findings: list[Finding] = list(
        _border_findings(model, profile, fingerprints, seen, gaps if gap_rule else None, ways)
    )
    notes: list[Note] = []
    allowances: dict[str, list[int]] = {}
    most = limit("findings")
    known = parts(seen.found.nodes) if any(judgement.charges for judgement in judged) else ()
    for node, positions in zip(model.graph, seen.positions, strict=True):
        if len(positions) == 1:  # all but what stands in a function
            judgement = judged[positions[0]]
        else:
            judgement = max([judged[position] for position in positions], key=_severity, default=_SKIPPED)
        nodes.append(Audited(node, judgement.verdict, judgement.layers, judgement is _SKIPPED))
        notes += [Note(rule, node.location) for rule in judgement.notes]
        if judgement.verdict is Verdict.ALLOWED:
            for rule in judgement.allowances:
                allowances.setdefault(rule.id, []).append(len(nodes) - 1)
        said: set[str] = set()
        for position in positions:
            occurrence, charges = seen.found.nodes[position], judged[position].charges
            for charge in charges if gap_rule is None else gaps.settle(position, charges, gap_rule):
                if charge.rule.id not in said:
                    said.add(charge.rule.id)
                    fingerprint = fingerprints.of(charge.rule.id, occurrence.signature)
                    remedies = ways.at_node(profile.remedies_of(charge.rule, known[position].what), occurrence)
                    findings.append(_finding(charge, node.location, fingerprint, remedies))
        if len(findings) > most:
            _refuse_more(model, len(nodes), len(seen.positions), most)
    _check_coverage(model, nodes)
    found = file_signatures(model, seen)
    return Audit(
        verdict=_model_verdict(nodes, findings, not model.inference_problem),
        nodes=tuple(nodes),
        findings=tuple(findings),
        allowances=tuple(_allowances(allowances, profile)),
        notes=tuple(notes),
        products=products(seen.found.nodes),
        signatures=found,
        parts=known if found is seen.found or not known else parts(found.nodes),
    )


def _severity(judgement: Judgement) -> int:
    return judgement.verdict.severity


def _judgements(seen: View, profile: Profile, model: Model, gap: Rule | None) -> list[Judgement]:
    """The judgement on every node; nodes of equal signature share one.

    Raises:
        InputError: ONNX forbids a node; exit code 3.
    """
    known: dict[int, Judgement] = {}  # by the signature, which is one object for all nodes alike
    judged, recall, validity = [], Recall(profile), Validity()
    for position, (occurrence, imported) in enumerate(zip(seen.found.nodes, seen.imported, strict=True)):
        judgement = known.get(id(occurrence.signature))
        if not occurrence.node.scope.path and (found := contradiction(occurrence.signature)) is not None:
            _refuse(found, seen, position, model)
        if judgement is None:
            form = without_sizes(occurrence.signature)
            found = validity.violation(occurrence.signature, form)
            if found is not None:
                if gap is None or found.code != OPERAND or not may_never_run(occurrence.node.scope):
                    _refuse(found, seen, position, model)
                evidence = Evidence("operands", found.what, "fit each other, or the branch never runs")
                judged.append(Judgement(Verdict.UNPROVEN, (), (Charge(gap, Verdict.UNPROVEN, (), (evidence,)),), ()))
                continue
            judgement = known[id(occurrence.signature)] = recall.judge(occurrence.signature, form)
        if position in seen.misread:
            judgement = judge_call(profile, occurrence.signature, seen.misread[position])
        judged.append(judgement if imported else _SKIPPED)
    return judged


def _refuse(found: Violation, seen: View, position: int, model: Model) -> NoReturn:
    """No verdict on what is no ONNX network.

    Raises:
        InputError: ONNX forbids this node; exit code 3.
    """
    node, path = seen.nodes(model)[position], model.path
    name = printable(node.proto.name, 80) or f"-> {', '.join(printable(output, 60) for output in node.outputs)}"
    scope = f"{printable(node.scope.path)}: " if node.scope.path else ""
    place = f"{scope}node {node.index} {name} ({printable(node.op_type, 60)})"
    where = f"{'standard input' if path == '-' else printable(path)}: {place}"
    raise found.error(where)


def _refuse_more(model: Model, judged: int, nodes: int, most: float) -> NoReturn:
    where = "standard input" if model.path == "-" else printable(model.path)
    what = f"more than {most:.0f} findings when {judged} of {nodes} nodes are judged"
    raise InputError("SC-LIM-FINDINGS", where, what, way_out("findings", "audit a part of the model"))


def _model_verdict(nodes: list[Audited], findings: list[Finding], inferred: bool) -> ModelVerdict:
    verdicts = {node.verdict for node in nodes} | {finding.verdict for finding in findings}
    if Verdict.FORBIDDEN in verdicts:
        return ModelVerdict.NON_COMPLIANT
    # Nothing checked is not compliant, and neither is what could not be looked at to the end.
    if Verdict.UNPROVEN in verdicts or not nodes or not inferred:
        return ModelVerdict.INCONCLUSIVE
    return ModelVerdict.COMPLIANT


def _finding(charge: Charge, location: Location, fingerprint: str, remedies: tuple[str, ...]) -> Finding:
    rule = charge.rule
    return Finding(
        rule=rule.id,
        verdict=charge.verdict,
        grade=rule.grade,
        message=rule.title,
        why=rule.why,
        advice=rule.advice,
        location=location,
        layers=charge.layers,
        evidence=charge.evidence,
        sources=rule.sources,
        remedies=remedies,
        fingerprint=fingerprint,
    )


def _border_findings(
    model: Model, profile: Profile, fingerprints: Fingerprints, seen: View, gaps: Gaps | None, ways: Remedies
) -> Iterator[Finding]:
    """Findings about what a graph declares; what is not known because of a gap is said where the gap is."""
    main = seen.graph.scopes[0]
    for border in borders(profile.table, model, imported_scopes(model.graph), seen.read(model)):
        hidden = gaps is not None and border.scope == "" and gaps.hides(main, border.name)
        for charge in judge_border(profile, border.layer):
            if hidden and charge.verdict is Verdict.UNPROVEN:
                continue
            location = Location(border.scope, None, "", "", "", (border.name,) if border.name else ())
            remedies = ways.at_border(profile.remedies_of(charge.rule, ""), border.tensor)
            yield _finding(charge, location, fingerprints.of_tensor(charge.rule.id, border.tensor), remedies)


def _allowances(found: dict[str, list[int]], profile: Profile) -> Iterator[Allowance]:
    rules = {rule.id: rule for rule in profile.rules}
    for name, at in sorted(found.items(), key=lambda item: (-len(item[1]), item[0])):
        rule = rules[name]
        yield Allowance(name, rule.title, str(rule.grade), rule.extrapolated, tuple(at))


def _check_coverage(model: Model, nodes: list[Audited]) -> None:
    """Count the nodes once more, straight from the file's structure and without the graph."""
    holders = (model.proto.graph, *model.proto.functions)
    expected = sum(len(graph.node) for holder in holders for graph in every_graph(holder))
    places = {(audited.node.scope.path, audited.node.index) for audited in nodes}
    if len(nodes) != expected or len(places) != expected:
        raise CoverageError(
            "SC-BUG-COVERAGE", "", f"{len(nodes)} of {expected} nodes were judged", "please report this with the model"
        )
