"""What the shipped profiles contain: which rule is in force where, and how two profiles differ."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from safecheck.finding import Verdict
from safecheck.rulebook.condition import ALWAYS
from safecheck.rulebook.profile import Profile
from safecheck.rulebook.rule import ANY, Rule


@dataclass(frozen=True, slots=True)
class Entry:
    """A rule and the profiles in which it is in force."""

    rule: Rule
    profiles: tuple[str, ...]
    warns: bool = False
    """Whether it is a known defect, which is a note unless an overlay is strict about defects."""


def catalog(profiles: Iterable[Profile], defects: bool = False) -> dict[str, Entry]:
    """Every rule in force by its id, in id order, with `defects` those that only warn as well.

    An id means one rule in all of the profiles.
    """
    found: dict[str, Entry] = {}
    for profile in profiles:
        for rule in (*profile.rules, *(profile.defects if defects else ())):
            known = found.get(rule.id)
            names = (*known.profiles, profile.id) if known is not None else (profile.id,)
            found[rule.id] = Entry(rule, names, rule in profile.defects)
    return dict(sorted(found.items()))


def grade_of(rule: Rule) -> str:
    """`documented`, `inferred, extrapolated`, or `no evidence`."""
    if rule.grade is None:
        return "no evidence"
    return f"{rule.grade}, extrapolated" if rule.extrapolated else str(rule.grade)


def speaks_of(rule: Rule, layer: str | None, operator: str | None, operator_layers: frozenset[str]) -> bool:
    """Whether a rule speaks of a layer type, or of an ONNX operator directly or through its layers."""
    if layer is not None and layer not in rule.layers:
        return False
    if operator is None:
        return True
    return operator in rule.operators or not operator_layers.isdisjoint(rule.layers)


def layers_of(profile: Profile, operator: str) -> frozenset[str]:
    """The layer types that the parser of a profile may make of an operator."""
    translation = profile.table.operator(operator)
    if translation is None:
        return frozenset()
    steps = [step for variant in translation.variants for step in variant.steps]
    direct = {step.layer for step in steps if step.layer is not None}
    return frozenset(direct.union(*(profile.table.patterns.get(step.pattern or "", ()) for step in steps)))


def known_operators(profile: Profile) -> frozenset[str]:
    """ONNX operators that the parser of a profile imports or documents as unsupported, or that a rule names."""
    named = (name for rule in profile.rules for name in rule.operators)
    return frozenset(profile.table.operators).union(profile.table.unsupported, named)


def summary(profile: Profile) -> Counter[tuple[str, str]]:
    """Number of rules by verdict and grade."""
    return Counter((str(rule.verdict), grade_of(rule)) for rule in profile.rules)


def stance(profile: Profile, layer: str) -> str:
    """What a profile says about a layer type in one word or two: `allowed in some forms`, `forbidden`, ..."""
    rules = [rule for rule in profile.rules_for_layer(layer) if ANY not in rule.layers]
    allows = any(rule.verdict is Verdict.ALLOWED and profile.counts(rule) for rule in rules)
    forbidding = [rule for rule in rules if rule.verdict is Verdict.FORBIDDEN]
    if any(rule.when == ALWAYS for rule in forbidding):
        return "forbidden"
    if allows:
        return "allowed within limits" if forbidding else "allowed in some forms"
    return "forbidden in some forms, else unproven" if forbidding else "unproven"
