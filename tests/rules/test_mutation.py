"""Whoever changes one number or one word of a rule breaks a case.

Every mutant changes one leaf of one rule: a number by one, a word of a list or of a limit, the verdict, or the releases
it holds for. The cases are judged again from the forms of their nodes, so that a mutant costs milliseconds.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest
from case_files import FOLDER

from safecheck import casebook, condition, resources
from safecheck.casebook import Case
from safecheck.condition import Combination, Condition
from safecheck.finding import Verdict
from safecheck.form import Layer, NodeForm, Value
from safecheck.forms import forms
from safecheck.lowering.lower import Lowered, lower
from safecheck.lowering.table import Table
from safecheck.model import load as load_model
from safecheck.rulebook import judge as judging
from safecheck.rulebook import load as loading
from safecheck.rulebook.judge import judge, judge_io
from safecheck.rulebook.profile import Profile
from safecheck.rulebook.rule import ANY, Rule, rules_from_yaml
from safecheck.shapes import tensor_of
from safecheck.strict_yaml import load

NOT_YET = "scope-10/"
"""Left out: the cases of this folder do not yet show every element type that its allowances list."""
NONSENSE = "kNONSENSE"
EQUIVALENT_FILE = Path(__file__).parent / "equivalent_mutants.yaml"


# --- cases as forms -------------------------------------------------------------------------------------------------


class Judged(NamedTuple):
    """A case without its file: what its verdicts depend on."""

    case: Case
    forms: tuple[NodeForm | None, ...]
    """None for a folded node, which is allowed by no rule."""
    main: int
    """Position of the node whose findings the case names."""
    borders: tuple[Layer, ...]
    """Network inputs and outputs, if the case says what is held against them."""
    subjects: frozenset[str]
    """Operators and layer types that occur."""


class Book(NamedTuple):
    """A profile with cases, and all rules of its files, also those of other releases."""

    name: str
    release: tuple[int, ...]
    profile: Profile
    rules: tuple[tuple[str, Rule], ...]
    """(file, rule) in the order of the profile."""
    cases: tuple[Judged, ...]


def forms_of(case: Case, table: Table, folder: Path) -> Judged:
    path = folder / "model.onnx"
    path.write_bytes(case.proto().SerializeToString())
    model = load_model(str(path))
    formed = list(forms(model.graph))
    main = [position for position, part in enumerate(formed) if part.node.scope.path == ""]
    graph = model.proto.graph
    initializers = {tensor.name for tensor in graph.initializer}
    borders = []
    for value in [*(value for value in graph.input if value.name not in initializers), *graph.output]:
        tensor = tensor_of(value)
        role = "contradicts the model" if value.name in model.conflicting_outputs else ""
        borders.append(Layer("network:io", value.name, NodeForm("", "", 0, (), (), (tensor,)), (), (tensor,), role))
    kept = tuple(None if part.folded else part.form for part in formed)
    subjects = {"network:io"} if case.model is not None else set()
    for form in kept:
        if form is not None:
            subjects.add(form.op_type)
            subjects.update(layer.type for part in lowered(table, form).alternatives for layer in part.layers)
    return Judged(case, kept, main[case.node], tuple(borders if case.model is not None else ()), frozenset(subjects))


_LOWERED: dict[tuple[str, NodeForm], Lowered] = {}


def lowered(table: Table, form: NodeForm) -> Lowered:
    """Changing a rule changes no lowering."""
    key = (table.id, form)
    found = _LOWERED.get(key)
    if found is None:
        found = _LOWERED[key] = lower(table, form)
    return found


def said(book: Profile, judged: Judged) -> object:
    """What a case looks at: verdicts, rule ids of its node, allowances, rule ids of inputs and outputs."""
    verdicts, found, allowed = [], frozenset[str](), set[str]()
    for position, form in enumerate(judged.forms):
        if form is None:
            verdicts.append(Verdict.ALLOWED)
            continue
        judgement = judge(book, form)
        verdicts.append(judgement.verdict)
        if position == judged.main:
            found = frozenset(charge.rule.id for charge in judgement.charges)
        if judgement.verdict is Verdict.ALLOWED:
            allowed.update(rule.id for rule in judgement.allowances)
    return verdicts, found, allowed, {charge.rule.id for layer in judged.borders for charge in judge_io(book, layer)}


def all_rules(profile: str) -> tuple[tuple[str, Rule], ...]:
    folder = resources.rules()
    root = load((folder / "profiles" / f"{profile}.yaml").read_text(encoding="utf-8"), profile)
    bibliography = loading._bibliography(load((folder / "sources.yaml").read_text(encoding="utf-8"), "sources"))
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
        yield read_books(tmp_path_factory.mktemp("forms"))


def read_books(folder: Path) -> list[Book]:
    names = load((FOLDER / "profiles.yaml").read_text(encoding="utf-8"), "profiles.yaml").items()
    found = []
    for name in dict.fromkeys(entry.text() for entry in names.values()):
        profile = loading.profile(name)
        release = tuple(int(part) for part in profile.target["tensorrt"].split("."))
        chosen = [case for key, entry in names.items() if entry.text() == name for case in casebook.cases(key)]
        parts = tuple(forms_of(case, profile.table, folder) for case in chosen)
        found.append(Book(name, release, profile, all_rules(name.partition("@")[0]), parts))
    return found


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
    for book in books:
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
                (mutant.rule.id not in judged.case.rules, len(trials), book, profile, judged)
                for judged in book.cases
                if ANY in touched or not touched.isdisjoint(judged.subjects)
            ]
    trials.sort(key=lambda trial: trial[0])
    return any(differs(book, profile, judged) for _, _, book, profile, judged in trials)


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
    return sorted(file for file in found if not file.startswith(NOT_YET))


@pytest.fixture(scope="module")
def by_file(books: list[Book]) -> dict[str, list[Mutant]]:
    return all_mutants(books)


@pytest.mark.parametrize("file", rule_files())
def test_every_change_of_a_rule_breaks_a_case(file: str, books: list[Book], by_file: dict[str, list[Mutant]]) -> None:
    survivors = [mutant for mutant in by_file[file] if not noticed(books, mutant)]
    unexplained = [str(mutant) for mutant in survivors if not any(matches(pattern, mutant) for pattern in equivalent())]
    assert unexplained == [], "give each of these a case that notices it"
    ids = {mutant.rule.id for mutant in by_file[file]}
    own = [pattern for pattern in equivalent() if pattern.partition(":")[0] in ids]
    idle = [pattern for pattern in own if not any(matches(pattern, mutant) for mutant in survivors)]
    assert idle == [], "these are noticed: take them off the list"


def test_the_list_of_equivalent_mutants_names_rules_that_exist(by_file: dict[str, list[Mutant]]) -> None:
    ids = {mutant.rule.id for mutants in by_file.values() for mutant in mutants}
    assert sorted({pattern.partition(":")[0] for pattern in equivalent()} - ids) == []
