"""A profile: one target, the rules in force for it, and how its parser lowers."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib.resources.abc import Traversable

from safecheck import resources
from safecheck.errors import RuleFileError, UsageError
from safecheck.escape import printable
from safecheck.finding import Citation, Grade
from safecheck.lowering.table import Table, table_from_yaml
from safecheck.rulebook.rule import ANY, Rule, citations, release_number, rules_from_yaml
from safecheck.strict_yaml import Entry, load, suggest

DEFAULT = "tensorrt-8.6-restricted"


@dataclass(frozen=True, slots=True)
class Assumption:
    """A limit that no model file can show: it holds for the build, and the report says that it was assumed."""

    id: str
    text: str
    grade: Grade | None
    sources: tuple[Citation, ...]


@dataclass(frozen=True, slots=True)
class Idiom:
    """How an exporter spells something, and what another export does instead."""

    title: str
    note: str


@dataclass(frozen=True)
class Profile:
    """Everything that decides about a model."""

    id: str
    title: str
    version: str
    target: dict[str, str]
    """tensorrt, drive_os, platform, device, capability."""
    sha256: str
    """Hash over the profile, its rules, its lowering and the bibliography, in a fixed order."""
    rules: tuple[Rule, ...]
    table: Table
    grades: frozenset[Grade]
    """Grades that may count as allowed."""
    extrapolated: bool
    """Whether allowances near the forms seen working count."""
    assumptions: tuple[Assumption, ...]
    idioms: dict[str, Idiom]
    """Exporter idioms by the names that `safecheck.idioms` gives them."""

    @cached_property
    def _by_layer(self) -> dict[str, tuple[Rule, ...]]:
        types = {type_ for rule in self.rules for type_ in rule.layers}
        return {type_: tuple(rule for rule in self.rules if type_ in rule.layers) for type_ in types}

    def rules_for_layer(self, type_: str) -> tuple[Rule, ...]:
        """Rules about a layer type, then the rules about every layer."""
        return self._by_layer.get(type_, ()) + self._by_layer.get(ANY, ())

    @cached_property
    def _by_operator(self) -> dict[str, tuple[Rule, ...]]:
        names = {name for rule in self.rules for name in rule.operators}
        return {name: tuple(rule for rule in self.rules if name in rule.operators) for name in names}

    def rules_for_operator(self, op_type: str) -> tuple[Rule, ...]:
        """Rules about an ONNX operator that the parser imports, then the rules about every operator."""
        return self._by_operator.get(op_type, ()) + self._by_operator.get(ANY, ())

    def counts(self, rule: Rule) -> bool:
        """Whether an `allowed` of this rule is good enough here."""
        return rule.grade in self.grades and (self.extrapolated or not rule.extrapolated)


def shipped() -> dict[str, Traversable]:
    """The profiles of this installation, by id."""
    folder = resources.rules() / "profiles"
    return {path.removesuffix(".yaml"): file for path, file in resources.yaml_files(folder)}


def profile(name: str) -> Profile:
    """A shipped profile by id, or a profile from a file."""
    known = shipped()
    if name in known:
        return _Loader().profile(known[name].read_text(encoding="utf-8"), f"rules/profiles/{name}.yaml")
    if not (os.sep in name or name.endswith((".yaml", ".yml"))):
        raise UsageError(
            "SC-CFG-PROFILE", "--profile", f"no profile '{printable(name, 80)}'{suggest(name, known)}",
            f"use one of: {', '.join(known)}, or a file",
        )  # fmt: skip
    try:
        with open(name, encoding="utf-8") as file:
            text = file.read()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise UsageError("SC-CFG-PROFILE", printable(name), str(reason), "give a readable profile file") from error
    return _Loader().profile(text, printable(name))


class _Loader:
    """Reads rule files and remembers what it read, for the hash."""

    def __init__(self) -> None:
        self._digest = hashlib.sha256()

    def _read(self, path: str, entry: Entry) -> str:
        file = resources.rules()
        for part in path.split("/"):
            file = file / part
        if not file.is_file():
            entry.fail(f"no rule file '{printable(path, 80)}'", "correct the name")
        return self._remember(path, file.read_text(encoding="utf-8"))

    def _remember(self, path: str, text: str) -> str:
        for part in (path.encode(), text.encode("utf-8", "surrogatepass")):
            self._digest.update(len(part).to_bytes(8, "big") + part)
        return text

    def profile(self, text: str, file: str) -> Profile:
        root = load(self._remember(file, text), file)
        keys = root.mapping(
            required=("id", "title", "version", "target", "lowering", "rules", "evidence"), optional=("assumptions",)
        )
        bibliography = _bibliography(self._read("sources.yaml", root))
        target = {name: part.text() for name, part in keys["target"].mapping(required=_TARGET).items()}
        release = release_number(keys["target"].items()["tensorrt"])
        lowering = f"lowering/{keys['lowering'].text()}.yaml"
        table = table_from_yaml(self._read(lowering, keys["lowering"]), f"rules/{lowering}")
        rules: list[Rule] = []
        for part in keys["rules"].sequence():
            for path in _matching(part):
                rules += rules_from_yaml(self._read(path, part), f"rules/{path}", bibliography)
        _refuse_doubled_ids(rules, file)
        evidence = keys["evidence"].mapping(required=("allow", "extrapolated"))
        extrapolated = evidence["extrapolated"].scalar()
        if type(extrapolated) is not bool:
            evidence["extrapolated"].fail("expected true or false", "correct it")
        return Profile(
            id=keys["id"].text(),
            title=keys["title"].text(),
            version=keys["version"].text(),
            target=target,
            sha256=self._digest.hexdigest(),
            rules=tuple(rule for rule in rules if rule.holds_for(release)),
            table=table,
            grades=frozenset(Grade(part.choice(Grade)) for part in evidence["allow"].sequence()),
            extrapolated=extrapolated,
            assumptions=_assumptions(keys.get("assumptions"), bibliography),
            idioms=_idioms(self._read("idioms.yaml", root)),
        )


_TARGET = ("tensorrt", "drive_os", "platform", "device", "capability")


def _bibliography(text: str) -> Mapping[str, str]:
    entries = load(text, "rules/sources.yaml").items()
    urls = {}
    for ref, entry in entries.items():
        keys = entry.mapping(required=("title", "kind", "read"), optional=("url",))
        url = keys["url"].text() if "url" in keys else ""
        if url and not url.startswith("https://"):
            keys["url"].fail("an address must start with https://", "correct it")
        urls[ref] = url
    return urls


def _idioms(text: str) -> dict[str, Idiom]:
    found = {}
    for name, entry in load(text, "rules/idioms.yaml").items().items():
        keys = entry.mapping(required=("title", "note"))
        found[name] = Idiom(keys["title"].text(), keys["note"].text())
    return found


def _matching(entry: Entry) -> list[str]:
    """`layers/*` as the files of that folder, in name order, or a single file."""
    name = entry.text()
    if not name.endswith("/*"):
        return [f"{name}.yaml"]
    folder = name.removesuffix("/*")
    return [f"{folder}/{path}" for path, _ in resources.yaml_files(resources.rules() / folder)]


def _refuse_doubled_ids(rules: list[Rule], file: str) -> None:
    seen: set[str] = set()
    for rule in rules:
        if rule.id in seen:
            raise RuleFileError("SC-CFG-RULE", file, f"two rules are called '{rule.id}'", "rename one of them")
        seen.add(rule.id)


def _assumptions(entry: Entry | None, bibliography: Mapping[str, str]) -> tuple[Assumption, ...]:
    found = []
    for part in entry.sequence() if entry is not None else ():
        keys = part.mapping(required=("id", "text", "sources"), optional=("grade",))
        grade = Grade(keys["grade"].choice(Grade)) if "grade" in keys else None
        found.append(
            Assumption(keys["id"].text(), keys["text"].text(), grade, citations(keys["sources"], bibliography))
        )
    return tuple(found)
