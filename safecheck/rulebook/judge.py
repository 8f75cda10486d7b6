"""Hold the signature of a node against a profile. Pure and total: the same signature always gets the same judgement."""

from __future__ import annotations

from typing import NamedTuple

from safecheck.finding import EXPORTER_FORM, Evidence, Verdict
from safecheck.ir.signature import UNKNOWN, Layer, Signature
from safecheck.rulebook.condition import Test, met, show, tests, unmet
from safecheck.rulebook.lowering.lower import Alternative, Choice, Lowered, lower
from safecheck.rulebook.profile import Profile
from safecheck.rulebook.rule import Rule
from safecheck.values import dataclass

NOT_LISTED = "not on the allowlist"
FUNCTION_CALL = "parser:function"
# A finding names its operator and its layers anyway.
_SAID_ELSEWHERE = frozenset({"op_type", "layer_type", "role"})


@dataclass(frozen=True, slots=True)
class Charge:
    """One rule that a node does not satisfy."""

    rule: Rule
    verdict: Verdict
    layers: tuple[str, ...]
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True)
class Judgement:
    """The verdict on a node, and why."""

    verdict: Verdict
    layers: tuple[str, ...]
    """Labels of the lowered layers, of all candidates where several remain."""
    charges: tuple[Charge, ...]
    allowances: tuple[Rule, ...]
    """Rules that an `allowed` rests on."""
    notes: tuple[Rule, ...] = ()
    """Known defects that the node meets; they change no verdict."""


class _LayerVerdict(NamedTuple):
    verdict: Verdict
    charges: tuple[Charge, ...]
    allowance: Rule | None


def judge(profile: Profile, node: Signature) -> Judgement:
    """Lower a node and match each of its layers.

    Where several translations remain possible and the reason is known in words only, the worst of them counts. Where
    the reason is an unknown fact, translations that disagree make the node unproven: knowing the fact could clear it.
    """
    if node.static_shapes_only and not profile.keeps_arithmetic:
        lowered = lower(profile.table, node._replace(static_shapes_only=False))
    else:
        lowered = lower(profile.table, node)
    results = [_alternative(profile, alternative) for alternative in lowered.alternatives]
    charges = [charge for _, part, _ in results for charge in part]
    outcomes = [outcome for outcome, _, _ in results]
    verdict = _worst(outcomes)
    undecided = any(alternative.choice is Choice.UNKNOWN for alternative in lowered.alternatives)
    if undecided and len(set(outcomes)) > 1:
        verdict = Verdict.UNPROVEN
        charges = [_soften(charge, "which form the parser uses", "unknown") for charge in charges]
    about_operator = _operator_charges(profile, lowered, node)
    charges = about_operator + charges
    idiom = profile.idioms.get(node.idiom)
    if idiom is not None:
        charges = [_because(charge, Evidence(EXPORTER_FORM, idiom.title, idiom.note)) for charge in charges]
    verdict = _worst([verdict, *[charge.verdict for charge in about_operator]])
    allowances = {rule.id: rule for _, _, part in results for rule in part}
    labels = [layer.label for alternative in lowered.alternatives for layer in alternative.layers]
    notes = tuple([rule for rule in profile.defects_of(node.op_type) if rule.when.evaluate(node) is True])
    return Judgement(verdict, _unique(labels), _merge(charges), tuple(allowances.values()), notes)


def _worst(verdicts: list[Verdict]) -> Verdict:
    return max(verdicts, key=_severity, default=Verdict.ALLOWED) if len(verdicts) != 1 else verdicts[0]


def _severity(verdict: Verdict) -> int:
    return verdict.severity


def judge_call(profile: Profile, node: Signature, misread: str) -> Judgement:
    """The judgement on a call of a local function that the parser does not read as ONNX means it, and why not."""
    found = _layer(profile, Layer(FUNCTION_CALL, misread, node, (), ()))
    return Judgement(found.verdict, (FUNCTION_CALL,), found.charges, ())


def judge_border(profile: Profile, layer: Layer) -> tuple[Charge, ...]:
    """What a profile has against what enters or leaves a graph.

    About network inputs, outputs and names there is nothing to allow: only limits apply. The others are layers, or what
    keeps the value from being imported, and judged like those of a node.
    """
    if not layer.type.startswith("network:"):
        return _layer(profile, layer).charges
    charges = []
    for rule in profile.rules_for_layer(layer.type):
        if layer.type not in rule.layers and not (layer.inputs or layer.outputs):
            continue  # rules about every layer are about its tensors, and names have none
        truth = rule.when.evaluate(layer)
        speaks = rule.verdict is Verdict.FORBIDDEN or (rule.verdict is Verdict.UNPROVEN and layer.type in rule.layers)
        if truth is True and speaks:
            charges.append(Charge(rule, rule.verdict, (), _reasons(rule, layer)))
        elif truth is UNKNOWN and rule.verdict is Verdict.FORBIDDEN:
            charges.append(Charge(rule, Verdict.UNPROVEN, (), _gaps(rule, layer)))
    return tuple(charges)


def _alternative(profile: Profile, alternative: Alternative) -> tuple[Verdict, list[Charge], list[Rule]]:
    outcomes = [_layer(profile, layer) for layer in alternative.layers]
    verdict = _worst([outcome.verdict for outcome in outcomes])
    charges = [charge for outcome in outcomes for charge in outcome.charges]
    if alternative.note:
        charges = [_because(charge, Evidence("form", alternative.note, "known in words only")) for charge in charges]
    return verdict, charges, [outcome.allowance for outcome in outcomes if outcome.allowance is not None]


def _layer(profile: Profile, layer: Layer) -> _LayerVerdict:
    rules = profile.rules_for_layer(layer.type)
    forbidding = [(rule, rule.when.evaluate(layer)) for rule in rules if rule.verdict is Verdict.FORBIDDEN]
    broken = [rule for rule, truth in forbidding if truth is True]
    if broken:
        charges = tuple(Charge(rule, Verdict.FORBIDDEN, (layer.label,), _reasons(rule, layer)) for rule in broken)
        if not layer.certain:
            charges = tuple(_soften(charge, "whether the parser adds this layer", "unknown") for charge in charges)
        return _LayerVerdict(charges[0].verdict, charges, None)
    allowance = next(
        (
            rule
            for rule in rules
            if rule.verdict is Verdict.ALLOWED and profile.counts(rule) and rule.when.evaluate(layer) is True
        ),
        None,
    )
    open_questions = [rule for rule, truth in forbidding if truth is UNKNOWN]
    if allowance is not None and not open_questions:
        return _LayerVerdict(Verdict.ALLOWED, (), allowance)
    if allowance is not None:
        rule, evidence = open_questions[0], _gaps(open_questions[0], layer)
    else:
        rule = _explanation(rules, layer)
        evidence = _nearest_allowance(profile, rules, layer)
    return _LayerVerdict(Verdict.UNPROVEN, (Charge(rule, Verdict.UNPROVEN, (layer.label,), evidence),), None)


def _explanation(rules: tuple[Rule, ...], layer: Layer) -> Rule:
    """The rule that says what is known about a layer nobody allows; every profile ends with one about all layers."""
    return next(rule for rule in rules if rule.verdict is Verdict.UNPROVEN and rule.when.evaluate(layer) is True)


def _reasons(rule: Rule, layer: Layer) -> tuple[Evidence, ...]:
    found = [_broken(test, layer) for test in met(rule.when, layer) if test.fact not in _SAID_ELSEWHERE]
    return tuple(found) or (_layer_evidence(layer),)


def _layer_evidence(layer: Layer) -> Evidence:
    if layer.type.startswith("parser:"):
        return Evidence("parser", layer.kind or layer.node.op_type, layer.type.removeprefix("parser:"))
    return Evidence("layer", layer.label, NOT_LISTED)


def _gaps(rule: Rule, layer: Layer) -> tuple[Evidence, ...]:
    return tuple(_evidence(test, layer, "must be known") for test in _unknown_tests(rule, layer))


def _unknown_tests(rule: Rule, subject: Layer | Signature) -> list[Test]:
    return [test for test in tests(rule.when) if test.evaluate(subject) is UNKNOWN]


def _nearest_allowance(profile: Profile, rules: tuple[Rule, ...], layer: Layer) -> tuple[Evidence, ...]:
    """What separates the layer from the allowance it misses by the fewest facts."""
    missed = [(rule, unmet(rule.when, layer)) for rule in rules if rule.verdict is Verdict.ALLOWED]
    if not missed:
        return (_layer_evidence(layer),)
    nearest, missing = min(missed, key=lambda each: len(each[1]) + (not profile.counts(each[0])))
    evidence = [_evidence(test, layer, wanted) for test, wanted in missing]
    if not profile.counts(nearest):
        grade = f"{nearest.grade}{', extrapolated' if nearest.extrapolated else ''}"
        evidence.append(Evidence("grade", grade, f"one of {show(tuple(sorted(profile.grades)))}"))
    return tuple(evidence) or (_layer_evidence(layer),)


def _broken(test: Test, subject: Layer | Signature) -> Evidence:
    """A fact that makes a refusal speak, held against what would not; a refusal of all but a range names the range."""
    limit = test.wanted if test.evaluate(subject) is False else test.unwanted
    return _evidence(test, subject, limit or NOT_LISTED)


def _evidence(test: Test, subject: Layer | Signature, limit: str) -> Evidence:
    return Evidence(test.subject, test.shown(subject), limit)


def _operator_charges(profile: Profile, lowered: Lowered, node: Signature) -> list[Charge]:
    if not lowered.imported:
        return []
    charges = []
    for rule in profile.rules_for_operator(node.op_type):
        truth = rule.when.evaluate(node)
        if truth is not False and rule.verdict is not Verdict.ALLOWED:
            verdict = rule.verdict if truth is True else Verdict.UNPROVEN
            if truth is True:
                evidence = tuple(_broken(test, node) for test in met(rule.when, node))
                evidence = evidence or (Evidence("operator", node.op_type, NOT_LISTED),)
            else:
                evidence = tuple(_evidence(test, node, "must be known") for test in _unknown_tests(rule, node))
            charges.append(Charge(rule, verdict, (), evidence))
    return charges


def _soften(charge: Charge, fact: str, actual: str) -> Charge:
    verdict = Verdict.UNPROVEN if charge.verdict is Verdict.FORBIDDEN else charge.verdict
    return _because(
        Charge(charge.rule, verdict, charge.layers, charge.evidence), Evidence(fact, actual, "must be known")
    )


def _because(charge: Charge, evidence: Evidence) -> Charge:
    return Charge(charge.rule, charge.verdict, charge.layers, (*charge.evidence, evidence))


def _merge(charges: list[Charge]) -> tuple[Charge, ...]:
    """One charge per rule, the worst first, with the layers and evidence of all of them."""
    if len(charges) < 2:
        return tuple(charges)
    merged: dict[str, Charge] = {}
    for charge in sorted(charges, key=lambda item: -item.verdict.severity):
        known = merged.get(charge.rule.id)
        if known is None:
            merged[charge.rule.id] = charge
        else:
            merged[charge.rule.id] = Charge(
                known.rule,
                known.verdict,
                _unique([*known.layers, *charge.layers]),
                tuple(dict.fromkeys((*known.evidence, *charge.evidence))),
            )
    return tuple(merged.values())


def _unique(labels: list[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(labels))
