"""One rule: what it speaks of, its condition, its verdict, and why anybody should believe it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from safecheck.condition import ALWAYS, Condition, parse
from safecheck.facts import NODE_FACT_NAMES
from safecheck.finding import Citation, Grade, Verdict
from safecheck.strict_yaml import Entry, load

ANY = "*"
_ID = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*\Z")
_RELEASE = re.compile(r"[0-9]+(\.[0-9]+){1,3}\Z")


@dataclass(frozen=True, slots=True)
class Rule:
    """A cited, graded statement about layers (or about ONNX nodes that the parser mistranslates)."""

    id: str
    title: str
    verdict: Verdict
    layers: tuple[str, ...]
    """Layer types the rule speaks of, `*` for all; empty for a rule about ONNX operators."""
    operators: tuple[str, ...]
    """ONNX operators the rule speaks of, `*` for all; empty for a rule about layers."""
    when: Condition
    grade: Grade | None
    """None only for `unproven`: nobody has shown anything either way."""
    extrapolated: bool
    """True for an allowance between or near the forms that were seen working."""
    why: str
    advice: str
    remedies: tuple[str, ...]
    sources: tuple[Citation, ...]
    releases: tuple[tuple[int, ...], tuple[int, ...]] | None
    """First and last release the rule holds for; None for every release of the profiles that use it."""

    def holds_for(self, release: tuple[int, ...]) -> bool:
        """Whether the rule speaks about this TensorRT release; `8.6` stands for every 8.6.x."""
        if self.releases is None:
            return True
        first, last = self.releases
        return first[: len(release)] <= release[: len(first)] and release[: len(last)] <= last[: len(release)]


def release_number(entry: Entry) -> tuple[int, ...]:
    """`"8.6.11"` as (8, 6, 11)."""
    text = entry.text()
    if not _RELEASE.match(text):
        entry.fail(f"'{text}' is not a release", 'write it as "8.6" or "8.6.11"')
    return tuple(int(part) for part in text.split("."))


def citations(entry: Entry, bibliography: Mapping[str, str]) -> tuple[Citation, ...]:
    """`[{ref: id, at: place}]` with every id resolved in the bibliography (id -> url)."""
    found = []
    for part in entry.sequence():
        keys = part.mapping(required=("ref",), optional=("at",))
        ref = keys["ref"].choice(bibliography)
        found.append(Citation(ref, keys["at"].text() if "at" in keys else "", bibliography[ref]))
    if not found:
        entry.fail("a claim without a source", "cite at least one source")
    return tuple(found)


def rules_from_yaml(text: str, file: str, bibliography: Mapping[str, str]) -> tuple[Rule, ...]:
    """All rules of a file; RuleFileError with a breadcrumb if one is broken."""
    keys = load(text, file).mapping(required=("about", "rules"), optional=("layer",))
    default = (keys["layer"].text(),) if "layer" in keys else ()
    return tuple(rule_from_yaml(entry, default, bibliography) for entry in keys["rules"].sequence())


def rule_from_yaml(entry: Entry, default: tuple[str, ...], bibliography: Mapping[str, str]) -> Rule:
    """One rule; `default` are the layer types of the file."""
    keys = entry.mapping(
        required=("id", "title", "verdict", "sources"),
        optional=(
            "layers", "operators", "when", "grade", "extrapolated", "why", "advice", "remedies", "releases",
        ),
    )  # fmt: skip
    if not _ID.match(keys["id"].text()):
        keys["id"].fail("an id is kebab-case", "write it like reduce-mean")
    verdict = Verdict(keys["verdict"].choice(Verdict))
    operators = _words(keys.get("operators"))
    layers = () if operators else _words(keys.get("layers")) or default
    if not operators and not layers:
        entry.fail("the rule speaks of nothing", "give layer: for the file, or layers: or operators: for the rule")
    grade = Grade(keys["grade"].choice(Grade)) if "grade" in keys else None
    if grade is None and verdict is not Verdict.UNPROVEN:
        entry.fail(f"a rule that says {verdict} needs a grade", f"add grade: one of {', '.join(Grade)}")
    extrapolated = keys["extrapolated"].scalar() if "extrapolated" in keys else False
    if type(extrapolated) is not bool:
        keys["extrapolated"].fail("expected true or false", "correct it")
    condition: Condition = ALWAYS
    if "when" in keys:
        condition = parse(keys["when"], NODE_FACT_NAMES) if operators else parse(keys["when"])
    return Rule(
        id=keys["id"].text(),
        title=keys["title"].text(),
        verdict=verdict,
        layers=layers,
        operators=operators,
        when=condition,
        grade=grade,
        extrapolated=extrapolated,
        why=keys["why"].text() if "why" in keys else "",
        advice=keys["advice"].text() if "advice" in keys else "",
        remedies=_words(keys.get("remedies")),
        sources=citations(keys["sources"], bibliography),
        releases=_releases(keys.get("releases")),
    )


def _words(entry: Entry | None) -> tuple[str, ...]:
    return () if entry is None else tuple(part.text() for part in entry.sequence())


def _releases(entry: Entry | None) -> tuple[tuple[int, ...], tuple[int, ...]] | None:
    if entry is None:
        return None
    keys = entry.mapping(required=("from", "to"))
    return release_number(keys["from"]), release_number(keys["to"])
