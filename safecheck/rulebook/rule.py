"""One rule: what it speaks of, its condition, its verdict, and why anybody should believe it."""

from __future__ import annotations

import re
from collections.abc import Mapping

from safecheck.finding import Citation, Grade, Verdict
from safecheck.rulebook.condition import ALWAYS, Condition, parse
from safecheck.rulebook.facts import NODE_FACT_NAMES
from safecheck.strict.yaml import Entry, load
from safecheck.values import dataclass, replace

ANY = "*"
_CATEGORIES = ("required", "mandatory")
Releases = tuple[tuple[int, ...], tuple[int, ...]] | None
"""First and last release, both included; None for every release."""
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
    releases: Releases
    """First and last release the rule holds for; None for every release of the profiles that use it."""
    says: tuple[str, ...] = ()
    """What the vendor's software says where the rule is broken, in its words; `rules explain` finds the rule by it."""
    mandatory: bool = False
    """True where readers understand the model differently: a broken rule can be neither deviated nor baselined."""

    def holds_for(self, release: tuple[int, ...]) -> bool:
        """Whether the rule speaks about this TensorRT release."""
        return speaks_of(self.releases, release)


def speaks_of(span: Releases, release: tuple[int, ...]) -> bool:
    """Whether a span of releases contains one; `8.6` as release or bound stands for every 8.6.x."""
    if span is None:
        return True
    first, last = span
    return first[: len(release)] <= release[: len(first)] and release[: len(last)] <= last[: len(release)]


def release_number(entry: Entry) -> tuple[int, ...]:
    """`"8.6.11"` as (8, 6, 11)."""
    text = entry.text()
    if not _RELEASE.match(text):
        entry.fail(f"'{text}' is not a release", 'write it as "8.6" or "8.6.11"')
    return tuple(int(part) for part in text.split("."))


def citations(entry: Entry, bibliography: Mapping[str, Citation] | None) -> tuple[Citation, ...]:
    """`[{ref: id, at: place}]` with every id resolved in the bibliography, or only checked for form without one."""
    found = []
    for part in entry.sequence():
        keys = part.mapping(required=("ref",), optional=("at",))
        ref = keys["ref"].choice(bibliography) if bibliography is not None else keys["ref"].text()
        source = bibliography[ref] if bibliography is not None else Citation(ref, "", "", "", "", "")
        found.append(replace(source, at=keys["at"].text() if "at" in keys else ""))
    if not found:
        entry.fail("a claim without a source", "cite at least one source")
    return tuple(found)


def rules_from_yaml(text: str, file: str, bibliography: Mapping[str, Citation]) -> tuple[Rule, ...]:
    """All rules of a file; RuleFileError with a breadcrumb if one is broken."""
    keys = load(text, file).mapping(required=("about", "rules"), optional=("layer", "category"))
    default = (keys["layer"].text(),) if "layer" in keys else ()
    rules = (rule_from_yaml(entry, default, bibliography) for entry in keys["rules"].sequence())
    if _mandatory(keys.get("category")):
        return tuple(replace(rule, mandatory=True) for rule in rules)
    return tuple(rules)


def rule_from_yaml(entry: Entry, default: tuple[str, ...], bibliography: Mapping[str, Citation] | None) -> Rule:
    """One rule; `default` are the layer types of the file."""
    keys = entry.mapping(
        required=("id", "title", "verdict", "sources"),
        optional=(
            "layers", "operators", "when", "grade", "extrapolated", "why", "advice", "remedies", "releases",
            "category", "says",
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
        releases=releases(keys.get("releases")),
        says=_words(keys.get("says")),
        mandatory=_mandatory(keys.get("category")),
    )


def _mandatory(entry: Entry | None) -> bool:
    """Whether a rule is of the category `mandatory` of MISRA Compliance; the others are `required`."""
    return entry is not None and entry.choice(_CATEGORIES) == "mandatory"


def _words(entry: Entry | None) -> tuple[str, ...]:
    return () if entry is None else tuple(part.text() for part in entry.sequence())


def releases(entry: Entry | None) -> Releases:
    """`{from: "8.4", to: "9.3"}`; None for every release."""
    if entry is None:
        return None
    keys = entry.mapping(required=("from", "to"))
    return release_number(keys["from"]), release_number(keys["to"])
