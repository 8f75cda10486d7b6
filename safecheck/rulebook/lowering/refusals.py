"""What importers refuse, and how that is known.

What an importer refuses has the grade of the file where it is written, `documented` unless given. `refusals` changes
what is inherited: some are `added`, those `withdrawn` are false in this release; and where the file is `measured`, all
others were asked again, but for those of the `unasked` operators.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from types import MappingProxyType
from typing import Literal, NamedTuple

from safecheck.finding import Grade
from safecheck.rulebook.condition import Condition, parse
from safecheck.rulebook.facts import NODE_FACT_NAMES
from safecheck.strict.yaml import Entry
from safecheck.text import printable
from safecheck.values import dataclass, replace


@dataclass(frozen=True, slots=True)
class Refusal:
    """A restriction of the importer: if the condition holds, parsing fails."""

    when: Condition
    text: str
    grade: Grade
    """How it is known: `documented` in sources or documentation, or `measured`."""


_CHANGES: tuple[Literal["added"], Literal["withdrawn"]] = ("added", "withdrawn")


@dataclass(frozen=True, slots=True)
class Amendment:
    """A change of what an inherited importer refuses; its entry says which refusal, or nothing if all are confirmed."""

    how: Literal["added", "confirmed", "withdrawn"]
    grade: Grade
    entry: Entry | None = None

    def apply(self, refuses: tuple[Refusal, ...]) -> tuple[Refusal, ...]:
        """What is refused after the change; RuleFileError if it is about something that is not refused."""
        if self.entry is None:
            return tuple(replace(refusal, grade=self.grade) for refusal in refuses)
        if self.how == "added":
            keys = self.entry.mapping(required=("operators", "when", "text"))
            return (*refuses, _refusal(keys, self.grade))
        text = self.entry.mapping(required=("operators", "text"))["text"].text()
        rest = tuple(refusal for refusal in refuses if refusal.text != text)
        if len(rest) == len(refuses):
            self.entry.fail(f"'{printable(text, 80)}' is not what the importer refuses", "name the text of a refusal")
        return rest


def amendments(
    keys: Mapping[str, Entry], inherited: Mapping[str, tuple[Amendment, ...]], operators: Set[str], grade: Grade
) -> dict[str, tuple[Amendment, ...]]:
    """What is inherited and what the file changes, by operator; one that is given anew begins without changes."""
    given = keys["refusals"].mapping(optional=("added", "withdrawn", "unasked")) if "refusals" in keys else {}
    own = keys["operators"].items() if "operators" in keys else {}
    found = {name: parts for name, parts in inherited.items() if name not in own}
    if grade is Grade.MEASURED:
        unasked = {part.choice(operators) for part in given["unasked"].sequence()} if "unasked" in given else set()
        confirmed = operators - own.keys() - unasked
        found |= {name: (*found.get(name, ()), Amendment("confirmed", grade)) for name in confirmed}
    for how in _CHANGES:
        for entry in given[how].sequence() if how in given else ():
            for part in entry.mapping(required=("operators", "text"), optional=("when",))["operators"].sequence():
                name = part.choice(operators)
                found[name] = (*found.get(name, ()), Amendment(how, grade, entry))
    return found


class EmptyNames(NamedTuple):
    """Operands that stop the parser if they are left out by an empty name."""

    inputs: Mapping[str, frozenset[int]] = MappingProxyType({})
    """Positions of inputs, by operator, that it takes for tensors."""
    outputs: frozenset[str] = frozenset()
    """Operators whose importer makes as many outputs as it wants."""


def empty_names(entry: Entry) -> EmptyNames:
    """`{inputs: {Conv: [2]}, outputs: [TopK]}`."""
    parts = entry.mapping(required=("inputs", "outputs"))
    inputs = {
        name: frozenset(_position(position) for position in positions.sequence())
        for name, positions in parts["inputs"].items().items()
    }
    return EmptyNames(inputs, frozenset(part.text() for part in parts["outputs"].sequence()))


def _position(entry: Entry) -> int:
    number = entry.scalar()
    return number if type(number) is int else entry.fail("expected a number", "give positions of inputs")


def refusal(entry: Entry, grade: Grade) -> Refusal:
    """A restriction as the entry of an operator states it."""
    return _refusal(entry.mapping(required=("when", "text")), grade)


def _refusal(keys: dict[str, Entry], grade: Grade) -> Refusal:
    return Refusal(parse(keys["when"], NODE_FACT_NAMES), keys["text"].text(), grade)
