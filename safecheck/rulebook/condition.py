"""Conditions over facts: a closed vocabulary, three-valued, with the reasons kept.

    {fact: kernel, at_most: 7}                  one fact against one limit
    {fact: attribute, of: fmod, equals: 1}      a fact about an attribute
    {fact: constant, of: [1, 2], equals: true}  a fact about inputs
    all_of / any_of / none_of: [conditions]     a plain list means all_of

Truth is strong Kleene: an unknown fact can make an answer unknown, never flip it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Literal, TypeAlias, TypeVar

from safecheck.ir.signature import UNKNOWN, FactValue, Layer, Value
from safecheck.rulebook import facts
from safecheck.rulebook.comparisons import OPERATORS, Truth
from safecheck.rulebook.questions import Subject, loud
from safecheck.strict.yaml import Entry, suggest
from safecheck.values import dataclass

_Answer = TypeVar("_Answer", bound=Truth | str)
_Combine: TypeAlias = Literal["all_of", "any_of", "none_of"]
_COMBINATIONS: tuple[_Combine, ...] = ("all_of", "any_of", "none_of")

_UNWANTED = {
    "equals": "not {}",
    "one_of": "none of {}",
    "includes": "without {}",
    "between": "outside {}",
    "multiple_of": "no multiple of {}",
}


_OF_TWO_FACTS = frozenset(operator for operator in OPERATORS if operator.endswith("_fact"))


class _Answers:
    """What the layer or node that was asked about last has answered: many rules ask the same of it, one by one."""

    __slots__ = ("last",)

    def __init__(self) -> None:
        self.last: tuple[Subject | None, dict[object, FactValue]] = (None, {})


_OF_LAYER, _OF_NODE = _Answers(), _Answers()


@dataclass(frozen=True)
class Test:
    """One fact held against one limit."""

    fact: str
    of: str | tuple[int, ...] | None
    operator: str
    limit: Value

    @cached_property
    def actual(self) -> Callable[[Subject], FactValue]:
        """Gives the value of the fact for a subject."""
        about_node = self.fact not in facts.LAYER_FACTS
        answers = _OF_NODE if about_node else _OF_LAYER
        question = self.fact if self.of is None else (self.fact, self.of)
        ask = facts.question(self.fact, self.of)

        def actual(subject: Subject) -> FactValue:
            if about_node and isinstance(subject, Layer):
                subject = subject.node
            asked, known = answers.last
            if asked is not subject:
                known = {}
                answers.last = subject, known
            answer = known.get(question)
            if answer is None:  # no fact is None
                answer = known[question] = ask(subject)
            return answer

        return actual

    @cached_property
    def evaluate(self) -> Callable[[Subject], Truth]:
        """Tells of a subject whether the fact keeps the limit."""
        actual, against = self.actual, OPERATORS[self.operator]
        if self.operator not in _OF_TWO_FACTS:
            holds = against(self.limit)
            return self._heard(lambda subject: holds(actual(subject)))
        limit = Test(str(self.limit), None, "equals", True).actual

        def evaluate(subject: Subject) -> Truth:
            other = limit(subject)
            return UNKNOWN if other is UNKNOWN else against(other)(actual(subject))

        return self._heard(evaluate)

    @cached_property
    def shown(self) -> Callable[[Subject], str]:
        """Gives the value of the fact for a subject as a reader expects it."""
        actual = self.actual
        return self._heard(lambda subject: show(actual(subject)))

    def _heard(self, ask: Callable[[Subject], _Answer]) -> Callable[[Subject], _Answer]:
        names = (self.fact, str(self.limit)) if self.operator in _OF_TWO_FACTS else (self.fact,)
        return ask if facts.SIZELESS.issuperset(names) else loud(ask, facts.LAYER_FACTS.keys().isdisjoint(names))

    @cached_property
    def subject(self) -> str:
        """`attribute 'fmod'`, `constant of input 1, 2`, `kernel`."""
        if isinstance(self.of, str):
            return f"{self.fact} {self.of}"
        if self.of is not None:
            return f"{self.fact} of input {', '.join(map(str, self.of))}"
        return self.fact

    @cached_property
    def wanted(self) -> str:
        """`at most 7`."""
        return f"{self.operator.replace('_', ' ')} {show(self.limit)}"

    @property
    def unwanted(self) -> str:
        """What would not meet it: `at most 17` for at least 18; empty where no number and no truth is asked for."""
        first = self.limit[0] if isinstance(self.limit, tuple) and self.limit else self.limit
        if isinstance(first, bool):
            return f"equals {show(not first)}" if self.operator == "equals" and first is self.limit else ""
        if not isinstance(first, int | float) or self.operator.endswith("_fact"):
            return ""
        whole, limit = isinstance(first, int), show(self.limit)
        if self.operator == "at_least":
            return f"at most {first - 1}" if whole else f"less than {limit}"
        if self.operator == "at_most":
            return f"at least {first + 1}" if whole else f"more than {limit}"
        return _UNWANTED[self.operator].format(limit)


@dataclass(frozen=True)
class Combination:
    """Several conditions as one."""

    how: _Combine
    parts: tuple[Condition, ...]

    @cached_property
    def evaluate(self) -> Callable[[Subject], Truth]:
        """Tells of a subject: strong Kleene conjunction, disjunction, or the negated disjunction."""
        parts = [part.evaluate for part in self.parts]
        decisive = self.how != "all_of"  # a True decides any_of and none_of, a False decides all_of
        if self.how == "none_of":
            decided, otherwise = False, True
        else:
            decided, otherwise = decisive, not decisive

        def evaluate(subject: Subject) -> Truth:
            answer: Truth = otherwise
            for part in parts:
                truth = part(subject)
                if truth is decisive:
                    return decided
                if truth is UNKNOWN:
                    answer = UNKNOWN
            return answer

        return evaluate


Condition: TypeAlias = Test | Combination
ALWAYS = Combination("all_of", ())


def tests(condition: Condition) -> Iterator[Test]:
    """All tests inside a condition, in order."""
    if isinstance(condition, Test):
        yield condition
    else:
        for part in condition.parts:
            yield from tests(part)


def unmet(condition: Condition, subject: Subject) -> list[tuple[Test, str]]:
    """The tests that keep a condition from being true, each with what would be accepted instead."""
    if isinstance(condition, Test):
        return [] if condition.evaluate(subject) is True else [(condition, condition.wanted)]
    if condition.how == "any_of":
        # Of several alternatives the nearest one (the fewest unmet tests) is the most useful thing to say.
        return min([unmet(part, subject) for part in condition.parts], key=len, default=[])
    found: list[tuple[Test, str]] = []
    for part in condition.parts:
        if condition.how == "all_of":
            found += unmet(part, subject)
        elif part.evaluate(subject) is not False:
            found += [(test, f"not {test.wanted}") for test in tests(part)]
    return found


def met(condition: Condition, subject: Subject) -> Iterator[Test]:
    """The tests that make a true condition true."""
    if isinstance(condition, Test):
        yield condition
    elif condition.how == "all_of":
        for part in condition.parts:
            yield from met(part, subject)
    elif condition.how == "any_of":
        for part in condition.parts:
            if part.evaluate(subject) is True:
                yield from met(part, subject)
                return
    else:
        for part in condition.parts:
            yield from tests(part)


def describe(condition: Condition, indent: int = 0) -> list[str]:
    """A condition as lines for a reader: `kernel: at most 7`, alternatives indented."""
    pad = "  " * indent
    if isinstance(condition, Test):
        return [f"{pad}{condition.subject}: {condition.wanted}"]
    if condition.how == "all_of":
        return [line for part in condition.parts for line in describe(part, indent)]
    heading = "one of these:" if condition.how == "any_of" else "none of these:"
    lines = [f"{pad}{heading}"]
    for part in condition.parts:
        inner = describe(part, indent + 1)
        lines += [f"{pad}- {inner[0].lstrip()}", *(f"{pad}  {line.lstrip()}" for line in inner[1:])] if inner else []
    return lines


def show(value: object) -> str:
    """A fact or limit as a reader expects it: `7`, `[3, 3]`, `kAVG`, `unknown`."""
    if isinstance(value, tuple):
        return f"[{', '.join(show(member) for member in value)}]"
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is UNKNOWN:
        return "unknown"
    return "(empty)" if value == "" else str(value)


_NUMBER_OPERATORS = frozenset({"at_least", "at_most", "between", "multiple_of"})
_LIST_OPERATORS = frozenset({"one_of", "between"})


def parse(entry: Entry, known: frozenset[str] = facts.ALL_FACT_NAMES) -> Condition:
    """A condition from YAML; `known` restricts which facts may be asked here."""
    if entry.is_sequence:
        return Combination("all_of", tuple(parse(part, known) for part in entry.sequence()))
    keys = entry.items()
    for how in _COMBINATIONS:
        if how in keys:
            entry.mapping(required=(how,))
            return Combination(how, tuple(parse(part, known) for part in keys[how].sequence()))
    if "fact" not in keys:
        entry.fail("not a condition", f"start with fact: or one of {', '.join(_COMBINATIONS)}")
    name = keys["fact"].text()
    if name not in known:
        keys["fact"].fail(f"no fact '{name}'{suggest(name, known)}", "`safecheck rules facts` lists the facts")
    operators = [key for key in keys if key not in ("fact", "of")]
    if len(operators) != 1:
        entry.fail(
            f"a condition needs exactly one operator, found {len(operators)}", f"use one of: {', '.join(OPERATORS)}"
        )
    entry.mapping(required=("fact",), optional=("of", *OPERATORS))
    operator = operators[0]
    limit = value_of(keys[operator])
    if (operator in _LIST_OPERATORS) != isinstance(limit, tuple) and operator != "equals":
        keys[operator].fail(
            f"{operator} takes {'a list' if operator in _LIST_OPERATORS else 'one value'}", "correct it"
        )
    if operator in _NUMBER_OPERATORS and not all(map(_is_number, limit if isinstance(limit, tuple) else (limit,))):
        keys[operator].fail(f"{operator} takes numbers, found {show(limit)}", "correct it")
    if operator.endswith("_fact") and limit not in known:
        keys[operator].fail(f"no fact '{show(limit)}'", "name a fact")
    if operator == "multiple_of" and limit == 0:
        keys[operator].fail("nothing is a multiple of 0", "give a positive number")
    return Test(name, _target(name, keys, entry), operator, limit)


def _is_number(value: object) -> bool:
    return type(value) in (int, float)


def _target(name: str, keys: dict[str, Entry], entry: Entry) -> str | tuple[int, ...] | None:
    if name in facts.ATTRIBUTE_FACTS:
        return keys["of"].text() if "of" in keys else entry.fail(f"{name} of what?", "add of: ATTRIBUTE")
    if name in facts.INPUT_FACTS:
        if "of" not in keys:
            entry.fail(f"{name} of which inputs?", "add of: POSITION or of: [POSITIONS]")
        positions = [position.scalar() for position in keys["of"].one_or_more()]
        if not all(type(position) is int and 0 <= position < 64 for position in positions):
            keys["of"].fail("input positions are small numbers from 0", "correct them")
        return tuple(int(position) for position in positions)
    if "of" in keys:
        keys["of"].fail(f"{name} is about the whole node or layer", "remove of:")
    return None


def value_of(entry: Entry) -> Value:
    """A scalar or a list of values as a tuple."""
    return tuple(value_of(part) for part in entry.sequence()) if entry.is_sequence else entry.scalar()
