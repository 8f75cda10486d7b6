"""Whoever changes one number or one word of a rule breaks a case.

Every mutant changes one leaf of one rule: a number by one, a word of a list or of a limit, the verdict, or the releases
it holds for. The cases are judged again from the forms of their nodes, so that a mutant costs milliseconds. The rules
of the 10.x safety scope are held against the recorded answers of the real check as well.
"""

from __future__ import annotations

import dataclasses
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import cache, partial
from pathlib import Path
from typing import NamedTuple

import pytest
from case_files import TARGETS, cases

from safecheck.audit.gaps import LAYER as GAP
from safecheck.audit.gaps import Gaps
from safecheck.audit.view import View, view
from safecheck.errors import InputError
from safecheck.finding import ModelVerdict, Verdict
from safecheck.ir.model import load as load_model
from safecheck.ir.reach import imported_scopes
from safecheck.ir.signature import Layer, Signature, Value
from safecheck.ir.validity import violation
from safecheck.rulebook import condition
from safecheck.rulebook import judge as judging
from safecheck.rulebook import load as loading
from safecheck.rulebook.bibliography import sources_from
from safecheck.rulebook.cases import Case
from safecheck.rulebook.condition import Combination, Condition
from safecheck.rulebook.judge import FUNCTION_CALL, Judgement, judge, judge_border, judge_call
from safecheck.rulebook.lowering.borders import IO, Border, borders
from safecheck.rulebook.lowering.lower import Lowered, lower
from safecheck.rulebook.lowering.table import Table
from safecheck.rulebook.profile import Profile
from safecheck.rulebook.rule import ANY, Rule, rules_from_yaml
from safecheck.strict import resources
from safecheck.strict.yaml import load

NONSENSE = "kNONSENSE"
sys.path.append(str(Path(__file__).parents[1] / "oracle"))
EQUIVALENT_FILE = Path(__file__).parent / "equivalent_mutants.yaml"


# --- cases as forms -------------------------------------------------------------------------------------------------


class Judged(NamedTuple):
    """A case without its file: what its verdicts depend on."""

    rules: frozenset[str]
    """Rule ids that the case names."""
    seen: View
    """The nodes as the parser meets them."""
    main: Sequence[int]
    """Positions in `seen` of the node whose findings the case names."""
    borders: tuple[Border, ...]
    """Network inputs and outputs, if the case says what is held against them."""
    subjects: frozenset[str]
    """Operators and layer types that occur."""
    parts: tuple[tuple[str, Layer | Signature], ...]
    """All that a rule is held against, with its layer type or operator."""
    fits: Callable[[ModelVerdict], bool] | None = None
    """For a generated model: whether a verdict goes with the recorded answer. Nothing else is looked at then."""


class Book(NamedTuple):
    """A profile with cases, and all rules of its files, also those of other releases."""

    name: str
    release: tuple[int, ...]
    profile: Profile
    rules: tuple[tuple[str, Rule], ...]
    """(file, rule) in the order of the profile."""
    cases: tuple[Judged, ...]
    generated: bool = False
    """Whether the cases are the models that the real check was asked about."""


def signatures_of(case: Case, profile: Profile, folder: Path) -> Judged:
    judged = signatures_of_model(case.proto().SerializeToString(), profile, folder, case.node)
    borders = judged.borders if case.model is not None else ()
    subjects = judged.subjects if borders else judged.subjects - {IO}
    return judged._replace(rules=case.rules, borders=borders, subjects=subjects)


def signatures_of_model(raw: bytes, profile: Profile, folder: Path, node: int = -1) -> Judged:
    path = folder / "model.onnx"
    path.write_bytes(raw)
    model = load_model(str(path))
    seen = view(model, profile.table.local_functions)
    for _, signature in imported(seen):
        if (found := violation(signature)) is not None:
            raise InputError(found.code, str(path), found.what, "no rule is asked about what is no ONNX")
    main = [positions for part, positions in zip(model.graph, seen.positions, strict=True) if part.scope.path == ""]
    around = tuple(borders(profile.table, model, imported_scopes(model.graph), seen.read(model)))
    parts: list[tuple[str, Layer | Signature]] = [(border.layer.type, border.layer) for border in around]
    for position, signature in imported(seen):
        parts.append((signature.op_type, signature))
        layers = [layer for part in lowered(profile.table, signature).alternatives for layer in part.layers]
        if position in seen.misread:
            layers.append(Layer(FUNCTION_CALL, seen.misread[position], signature, (), ()))
        parts.extend((layer.type, layer) for layer in layers)
    subjects = frozenset({IO, GAP, *(name for name, _ in parts)})
    return Judged(frozenset(), seen, main[node] if main else (), around, subjects, tuple(parts))


def imported(seen: View) -> Iterator[tuple[int, Signature]]:
    """The nodes that the parser imports, each with its position; the others are allowed by no rule."""
    for position, (occurrence, taken) in enumerate(zip(seen.found.nodes, seen.imported, strict=True)):
        if taken:
            yield position, occurrence.signature


_LOWERED: dict[tuple[str, Signature], Lowered] = {}


def lowered(table: Table, signature: Signature) -> Lowered:
    """Changing a rule changes no lowering."""
    key = (table.id, signature)
    found = _LOWERED.get(key)
    if found is None:
        found = _LOWERED[key] = lower(table, signature)
    return found


def said(book: Profile, judged: Judged) -> object:
    """What a case looks at: verdicts, rule ids of its node, allowances, rule ids of inputs and outputs."""
    found = judgements(book, judged)
    if judged.fits is not None:
        return judged.fits(verdict_on(book, judged, found))
    seen, undecided = judged.seen.found, [False] * len(judged.seen.found.nodes)
    for position, judgement in found.items():
        undecided[position] = judgement.verdict is Verdict.UNPROVEN
    gaps = Gaps(seen, undecided)
    rule = next((rule for rule in book.rules_for_layer(GAP) if GAP in rule.layers), None)
    charges = [
        charge
        for position in judged.main
        if position in found
        for charge in (gaps.settle(position, found[position].charges, rule) if rule else found[position].charges)
    ]
    allowed = [judgement.allowances for judgement in found.values() if judgement.verdict is Verdict.ALLOWED]
    return (
        [judgement.verdict for judgement in found.values()],
        {charge.rule.id for charge in charges},
        {allowance.id for allowances in allowed for allowance in allowances},
        {
            charge.rule.id
            for border in judged.borders
            for charge in judge_border(book, border.layer)
            if not (rule and charge.verdict is Verdict.UNPROVEN and hidden(gaps, judged.seen, border))
        },
    )


def hidden(gaps: Gaps, seen: View, border: Border) -> bool:
    return border.scope == "" and gaps.hides(seen.graph.scopes[0], border.name)


def judgements(book: Profile, judged: Judged) -> dict[int, Judgement]:
    misread = judged.seen.misread
    return {
        position: judge_call(book, signature, misread[position]) if position in misread else judge(book, signature)
        for position, signature in imported(judged.seen)
    }


def verdict_on(book: Profile, judged: Judged, found: dict[int, Judgement]) -> ModelVerdict:
    verdicts = {judgement.verdict for judgement in found.values()}
    verdicts.update(charge.verdict for border in judged.borders for charge in judge_border(book, border.layer))
    if Verdict.FORBIDDEN in verdicts:
        return ModelVerdict.NON_COMPLIANT
    return ModelVerdict.INCONCLUSIVE if Verdict.UNPROVEN in verdicts else ModelVerdict.COMPLIANT


def all_rules(profile: str) -> tuple[tuple[str, Rule], ...]:
    folder = resources.rules()
    root = load((folder / "profiles" / f"{profile}.yaml").read_text(encoding="utf-8"), profile)
    bibliography = sources_from(load((folder / "sources.yaml").read_text(encoding="utf-8"), "sources"))
    return tuple(
        (file.removesuffix(".yaml"), rule)
        for part in root.items()["rules"].sequence()
        for file in loading._matching(part)
        for rule in rules_from_yaml((folder / file).read_text(encoding="utf-8"), file, bibliography)
    )


@pytest.fixture(scope="module")
def books(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Book]]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(judging, "lower", lowered)
        folder = tmp_path_factory.mktemp("forms")
        yield [*read_books(folder), generated_models(folder)]


def read_books(folder: Path) -> list[Book]:
    found = []
    for target in TARGETS:
        chosen = cases(target)
        name = chosen[0].profile
        profile = loading.profile(name)
        release = tuple(int(part) for part in profile.target["tensorrt"].split("."))
        parts = tuple(signatures_of(case, profile, folder) for case in chosen)
        found.append(Book(name, release, profile, all_rules(name.partition("@")[0]), parts))
    return found


def generated_models(folder: Path) -> Book:
    """The models of `tests/oracle` whose answers are recorded, as far as the verdict goes with the answer today."""
    from agreement import PROFILE, scope_profile
    from record_answers import fits, recorded
    from scope_models import cases as models

    profile, answers = scope_profile(), recorded()
    kept = {rule.id for rule in loading.profile(PROFILE).rules} - {rule.id for rule in profile.rules}
    rules = tuple((file, rule) for file, rule in all_rules(PROFILE) if rule.id not in kept)
    release = tuple(int(part) for part in profile.target["tensorrt"].split("."))
    found = []
    for model in models():
        try:
            judged = signatures_of_model(model.model, profile, folder)
        except InputError:  # what ONNX forbids has an answer, but no rule is asked about it
            continue
        judged = judged._replace(fits=partial(fits, answers[str(model)]))
        if said(profile, judged):
            found.append(judged)
    return Book(PROFILE, release, profile, rules, tuple(found), generated=True)


# --- mutants --------------------------------------------------------------------------------------------------------


class Mutant(NamedTuple):
    """A rule with one leaf changed."""

    file: str
    rule: Rule
    changed: Rule
    words: str
    only: str = ""
    """Name of the only profile whose release it concerns; there the rule is in force exactly if it is not in truth."""

    def __str__(self) -> str:
        return f"{self.rule.id}: {self.words}"


def changed_values(value: Value, operator: str, top: bool = True) -> Iterator[Value]:
    if isinstance(value, tuple):
        if top and operator == "one_of" and len(value) > 1:
            for position in range(len(value)):
                yield (*value[:position], *value[position + 1 :])
        for position, member in enumerate(value):
            if not (top and operator == "one_of" and isinstance(member, str) and len(value) > 1):
                for changed in changed_values(member, operator, False):  # type: ignore[arg-type]
                    yield (*value[:position], changed, *value[position + 1 :])
    elif isinstance(value, bool):
        yield not value
    elif isinstance(value, int | float):
        yield value - 1
        yield value + 1
    elif isinstance(value, str):
        yield NONSENSE


def changed_conditions(when: Condition) -> Iterator[tuple[Condition, str]]:
    if isinstance(when, condition.Test):
        if not when.operator.endswith("_fact"):
            for limit in changed_values(when.limit, when.operator):
                if when.operator == "multiple_of" and limit == 0:
                    continue  # the loader refuses it
                yield (
                    dataclasses.replace(when, limit=limit),
                    f"{when.subject} {when.wanted} -> {condition.show(limit)}",
                )
        return
    for position, part in enumerate(when.parts):
        for changed, words in changed_conditions(part):
            yield Combination(when.how, (*when.parts[:position], changed, *when.parts[position + 1 :])), words


def changed_words(words: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    for position, word in enumerate(words):
        rest = (*words[:position], *words[position + 1 :])
        yield rest or (NONSENSE,), f"without {word}"


def mutants(file: str, rule: Rule) -> Iterator[Mutant]:
    """The rule with one number, word or verdict changed."""
    for when, words in changed_conditions(rule.when):
        yield Mutant(file, rule, dataclasses.replace(rule, when=when), words)
    for layers, words in changed_words(rule.layers):
        yield Mutant(file, rule, dataclasses.replace(rule, layers=layers), words)
    for operators, words in changed_words(rule.operators):
        yield Mutant(file, rule, dataclasses.replace(rule, operators=operators), words)
    for verdict in Verdict:
        if verdict is not rule.verdict:
            yield Mutant(file, rule, dataclasses.replace(rule, verdict=verdict), f"verdict {verdict}")


def moved_bounds(file: str, rule: Rule, users: list[Book]) -> Iterator[Mutant]:
    """The rule with a bound of its releases moved past the next release that has cases, outwards or inwards."""
    if rule.releases is None:
        return
    order = sorted(users, key=lambda book: book.release)
    held = [position for position, book in enumerate(order) if rule.holds_for(book.release)]
    ends = {held[0] - 1, held[0], held[-1], held[-1] + 1}
    for position in sorted(ends & set(range(len(order)))):
        how = "not in force" if position in held else "in force"
        yield Mutant(file, rule, rule, f"{how} in {order[position].name}", order[position].name)


def all_mutants(books: list[Book]) -> dict[str, list[Mutant]]:
    """By rule file; of rules that are in force somewhere."""
    users: dict[tuple[str, str], list[Book]] = {}
    rules: dict[tuple[str, str], Rule] = {}
    for book in (book for book in books if not book.generated):
        for file, rule in book.rules:
            users.setdefault((file, rule.id), []).append(book)
            rules[file, rule.id] = rule
    found: dict[str, list[Mutant]] = {}
    for (file, name), rule in rules.items():
        used = users[file, name]
        if any(rule.holds_for(book.release) for book in used):
            found.setdefault(file, []).extend([*mutants(file, rule), *moved_bounds(file, rule, used)])
    return found


def with_mutant(book: Book, mutant: Mutant) -> Profile | None:
    """The profile with the mutant in place of the rule; None where nothing changes."""
    rules = []
    changed = False
    for file, rule in book.rules:
        held = rule.holds_for(book.release)
        if (file, rule.id) == (mutant.file, mutant.rule.id):
            if mutant.only:
                held ^= mutant.only == book.name
                changed = mutant.only == book.name
            else:
                changed, rule = held, mutant.changed
        if held:
            rules.append(rule)
    return dataclasses.replace(book.profile, rules=tuple(rules)) if changed else None


_TRUTH: dict[tuple[str, int], object] = {}


def truth(book: Book, judged: Judged) -> object:
    key = (book.name, id(judged))
    if key not in _TRUTH:
        _TRUTH[key] = said(book.profile, judged)
    return _TRUTH[key]


def noticed(books: list[Book], mutant: Mutant) -> bool:
    """Whether a case says so."""
    touched = {*mutant.rule.layers, *mutant.rule.operators, *mutant.changed.layers, *mutant.changed.operators}
    trials = []
    for book in books:
        profile = with_mutant(book, mutant)
        if profile is not None:
            trials += [
                (mutant.rule.id not in judged.rules, len(trials), book, profile, judged)
                for judged in book.cases
                if (ANY in touched or not touched.isdisjoint(judged.subjects)) and reacts(mutant, judged)
            ]
    trials.sort(key=lambda trial: trial[0])
    return any(differs(book, profile, judged) for _, _, book, profile, judged in trials)


def reacts(mutant: Mutant, judged: Judged) -> bool:
    """Whether the rule speaks otherwise about any part of a case; judging it again costs much more than that."""
    before, after = mutant.rule, mutant.changed
    if before.when is after.when:
        return True
    return any(
        before.when.evaluate(part) is not after.when.evaluate(part)
        for name, part in judged.parts
        if (names := before.layers if isinstance(part, Layer) else before.operators) and (name in names or ANY in names)
    )


def differs(book: Book, profile: Profile, judged: Judged) -> bool:
    try:
        return said(profile, judged) != truth(book, judged)
    except StopIteration:  # no rule explains the layer any more: a profile that does not even load
        return True


# --- the test -------------------------------------------------------------------------------------------------------


@cache
def equivalent() -> tuple[str, ...]:
    """Patterns of mutants that no case can notice."""
    root = load(EQUIVALENT_FILE.read_text(encoding="utf-8"), EQUIVALENT_FILE.name)
    entries = [entry.mapping(required=("why", "mutants")) for entry in root.sequence()]
    return tuple(pattern.text() for keys in entries for pattern in keys["mutants"].sequence())


def matches(pattern: str, mutant: Mutant) -> bool:
    return re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), str(mutant)) is not None


def rule_files() -> list[str]:
    profiles = [name.partition("@")[0] for name in loading.shipped()]
    found = {file for name in profiles for file, _ in all_rules(name)}
    return sorted(found)


@pytest.fixture(scope="module")
def by_file(books: list[Book]) -> dict[str, list[Mutant]]:
    return all_mutants(books)


def unexplained(books: list[Book], tried: list[Mutant]) -> tuple[list[Mutant], list[str]]:
    """The mutants that no case notices, and those of them that nobody has explained."""
    survivors = [mutant for mutant in tried if not noticed(books, mutant)]
    return survivors, [str(mutant) for mutant in survivors if not any(matches(part, mutant) for part in equivalent())]


def none_of(found: list[str], advice: str) -> None:
    """Fail in a few lines: the books, which pytest would show among the locals, take minutes to print."""
    if found:
        pytest.fail("\n".join([f"{advice}:", *found]), pytrace=False)


@pytest.mark.slow
def test_some_change_of_every_third_rule_breaks_a_case(books: list[Book], by_file: dict[str, list[Mutant]]) -> None:
    of_rule: dict[tuple[str, str], list[Mutant]] = {}
    for file, found in by_file.items():
        for mutant in found:
            of_rule.setdefault((file, mutant.rule.id), []).append(mutant)
    tried = [found[position * 7 % len(found)] for position, found in enumerate(of_rule.values())][::3]
    assert len(tried) > 100
    none_of(unexplained(books, tried)[1], "give each of these a case that notices it")


@pytest.mark.slow
@pytest.mark.parametrize("file", rule_files())
def test_every_change_of_a_rule_breaks_a_case(file: str, books: list[Book], by_file: dict[str, list[Mutant]]) -> None:
    survivors, surprising = unexplained(books, by_file[file])
    none_of(surprising, "give each of these a case that notices it")
    ids = {mutant.rule.id for mutant in by_file[file]}
    own = [pattern for pattern in equivalent() if pattern.partition(":")[0] in ids]
    idle = [pattern for pattern in own if not any(matches(pattern, mutant) for mutant in survivors)]
    none_of(idle, "these are noticed: take them off the list")


@pytest.mark.slow
def test_the_list_of_equivalent_mutants_names_rules_that_exist(by_file: dict[str, list[Mutant]]) -> None:
    ids = {mutant.rule.id for mutants in by_file.values() for mutant in mutants}
    none_of(sorted({pattern.partition(":")[0] for pattern in equivalent()} - ids), "no rule in force has this name")
