"""Rules of an overlay that could never count, refused with the place: a misspelt layer, or a lifted refusal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from safecheck.finding import Verdict
from safecheck.rulebook.condition import Combination, Condition, Test
from safecheck.rulebook.profile import Profile
from safecheck.rulebook.rule import ANY, Rule
from safecheck.strict.yaml import Entry, suggest


def refuse_idle(entries: Iterable[Entry], rules: Sequence[Rule], base: Profile) -> None:
    """Check the rules of an overlay, given with their places, against the profile below.

    Raises:
        RuleFileError: a rule names a layer that no parser makes or an operator that the parser does not import, or it
            allows exactly what the profile below forbids.
    """
    layers = {type_ for rule in base.rules for type_ in rule.layers}
    operators = {*base.table.operators, *(name for rule in base.rules for name in rule.operators)}
    for entry, rule in zip(entries, rules, strict=True):
        for type_ in rule.layers:
            if type_ not in layers and type_ not in (layers := layers | _made(base)):
                what = f"no parser makes a layer '{type_}'{suggest(type_, layers)}"
                entry.items()["layers"].fail(what, "name a layer interface, such as IPoolingLayer")
        for name in rule.operators:
            if name not in operators:
                what = f"the parser has no operator '{name}'{suggest(name, operators)}"
                entry.items()["operators"].fail(what, "name an ONNX operator")
        if rule.verdict is Verdict.ALLOWED:
            _refuse_lifting(entry, rule, base)


def _made(base: Profile) -> set[str]:
    """Every layer type that the lowering of the profile can make."""
    table = base.table
    found = {type_ for types in table.patterns.values() for type_ in types}
    for name in table.operators:
        operator = table.operator(name)
        for variant in operator.variants if operator is not None else ():
            found.update(step.layer for step in variant.steps if step.layer is not None)
    return found


def _refuse_lifting(entry: Entry, rule: Rule, base: Profile) -> None:
    """A rule whose every layer is forbidden below under no more conditions than it has itself."""
    own = _parts(rule.when)
    lifted = []
    for type_ in rule.layers:
        refusals = [below for below in base.rules_for_layer(type_) if below.verdict is Verdict.FORBIDDEN]
        lifted.append(next((below for below in refusals if type_ != ANY and _parts(below.when) <= own), None))
    if lifted and all(lifted):
        entry.items()["verdict"].fail(
            f"'{rule.id}' allows what '{lifted[0].id if lifted[0] else ''}' of {base.id} forbids, and forbidden wins",
            "an overlay cannot lift a refusal: remove the rule",
        )


def _parts(when: Condition) -> frozenset[Test | Combination]:
    """The conditions that all have to hold."""
    if isinstance(when, Combination) and when.how == "all_of":
        return frozenset().union(*map(_parts, when.parts))
    return frozenset([when])
