"""Load profiles: the shipped ones by id, a user's own from files, and overlays that extend either."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING

from safecheck.errors import UsageError
from safecheck.finding import Verdict
from safecheck.rulebook import kept, parts
from safecheck.rulebook.bibliography import shipped_sources, sources_from
from safecheck.rulebook.condition import ALWAYS
from safecheck.rulebook.default import DEFAULT as DEFAULT
from safecheck.rulebook.idle import refuse_idle
from safecheck.rulebook.lowering.table import table_from_yaml
from safecheck.rulebook.names import full_name
from safecheck.rulebook.own_file import own_name, read_text, refuse_hidden
from safecheck.rulebook.profile import Profile
from safecheck.rulebook.reserved import refuse_shipped_names
from safecheck.rulebook.rule import ANY, Rule, release_number, rule_from_yaml, rules_from_yaml
from safecheck.strict import resources
from safecheck.strict.yaml import Entry, load, suggest
from safecheck.text import printable
from safecheck.values import replace

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

_TARGET = ("tensorrt", "drive_os", "platform", "device", "capability")
_STATUS = ("draft", "released")
_FILE_NAME = re.compile(r"[a-z0-9][a-z0-9._-]*\Z")
_MAX_OVERLAYS = 8


def shipped() -> dict[str, Traversable]:
    """The profiles of this installation, by id."""
    folder = resources.rules() / "profiles"
    return {path.removesuffix(".yaml"): file for path, file in resources.yaml_files(folder)}


def shipped_names() -> Iterator[tuple[str, str]]:
    """Id and title of every profile of this installation."""
    for name, file in shipped().items():
        title = load(file.read_text(encoding="utf-8"), name).items()["title"].text()
        yield name, title


def profile(name: str) -> Profile:
    """A shipped profile by id, or a profile or overlay from a file.

    Raises:
        UsageError: there is no such profile or file.
        RuleFileError: a file is broken; the message names file, line and key.
    """
    found = kept.find(name)
    if found is None:
        loader = _Loader()
        found = loader.by_name(name)
        if not found.files and not found.extends:
            kept.keep(name, found, kept.digest(loader.texts), loader.parts, loader.gathered)
    return found


def texts(name: str) -> list[tuple[str, str]]:
    """What a profile was read from, in the order of its hash: names below `rules/`, `profile` for profiles themselves.

    The hash is the SHA-256 over both, each as its length in eight bytes, most significant first, and its UTF-8.

    Raises:
        UsageError, RuleFileError: as `profile`.
    """
    loader = _Loader()
    loader.by_name(name)
    return loader.texts


class _Loader:
    """Reads rule files and remembers what it read, for the hash and for `texts`."""

    def __init__(self) -> None:
        self.texts: list[tuple[str, str]] = []
        self._depth = 0
        self.parts: list[kept.Part] = []
        """The files that were read below the folder of the rules, in their order."""
        self.gathered: list[str] = []
        """Folders whose every file was read."""
        self._files: list[str] = []
        self._release = ""

    def by_name(self, name: str, where: str = "--profile") -> Profile:
        known = shipped()
        name = full_name(name)
        name, _, self._release = name.partition("@") if name.partition("@")[0] in known else (name, "", "")
        if name in known:
            self.parts.append(("profile", f"profiles/{name}.yaml"))
            return self._profile(known[name].read_text(encoding="utf-8"), f"rules/profiles/{name}.yaml", name, False)
        if not (os.sep in name or name.endswith((".yaml", ".yml"))):
            what = f"no profile '{printable(name, 80)}'{suggest(name, known)}"
            raise UsageError("SC-CFG-PROFILE", where, what, f"use one of: {', '.join(known)}, or a file")
        self._files.append(name)
        return self._profile(read_text(name), printable(name), name, True)

    def _profile(self, text: str, file: str, name: str, own: bool) -> Profile:
        # The text counts, not where it lies: a report must not depend on the directory it was made in.
        root = load(self._remember("profile", text), file)
        if own:
            refuse_shipped_names(root, shipped_names())
            refuse_hidden(root)
        found = self._overlay(root, name) if "extends" in root.items() else self._base(root, own)
        # Whose rules these are is said in the place of the id, which every output shows.
        return found if found.shipped else replace(found, id=own_name(name))

    def _base(self, root: Entry, own: bool) -> Profile:
        keys = root.mapping(
            required=("id", "title", "version", "target", "lowering", "rules", "evidence"),
            optional=("assumptions", "releases", "status", "defects", "remedies"),
        )
        sources = self._read("sources.yaml", root)
        bibliography = shipped_sources(sources)
        target = {name: part.text() for name, part in keys["target"].mapping(required=_TARGET).items()}
        release, parser = release_number(keys["target"].items()["tensorrt"]), keys["lowering"]
        if self._release:
            chosen = _chosen(self._release, keys.get("releases"), keys["id"].text())
            target |= {"tensorrt": self._release, "drive_os": chosen["drive_os"].text()}
            release, parser = _numbers(self._release), chosen.get("lowering", parser)
        lowering = f"lowering/{parser.text()}.yaml"
        table = table_from_yaml(
            self._read(lowering, parser),
            f"rules/{lowering}",
            lambda parent, entry: self._read(f"lowering/{parent}.yaml", entry),
        )
        if table.source not in bibliography:
            parser.fail(f"the lowering cites '{table.source}', which is no known source", "add it to sources.yaml")
        in_force = self._rules(keys["rules"], sources, release)
        defects = self._rules(keys["defects"], sources, release) if "defects" in keys else ()
        _refuse_doubled_ids((*in_force, *defects), keys["rules"])
        if not any(
            ANY in rule.layers and rule.when == ALWAYS and rule.verdict is Verdict.UNPROVEN for rule in in_force
        ):
            todo = 'add one with layers: ["*"] and verdict: unproven'
            keys["rules"].fail("no rule says what is known about layers that no other rule names", todo)
        grades, extrapolated = parts.evidence(keys["evidence"])
        idioms = parts.idioms(load(self._read("idioms.yaml", root), "rules/idioms.yaml"))
        taking = f"{keys['remedies'].text() if 'remedies' in keys else 'remedies'}.yaml"
        remedies = parts.remedies(load(self._read(taking, keys.get("remedies", root)), f"rules/{taking}"))
        return Profile(
            id=keys["id"].text(),
            title=keys["title"].text(),
            version=keys["version"].text(),
            extends=(),
            target=target,
            sha256=kept.digest(self.texts),
            rules=in_force,
            table=table,
            grades=grades,
            extrapolated=extrapolated,
            assumptions=parts.assumptions(keys.get("assumptions"), bibliography, release),
            defects=defects,
            idioms=idioms,
            remedies=remedies,
            released=_released(keys.get("status")),
            files=tuple(self._files),
            release=self._release,
            known_releases=tuple(keys["releases"].items()) if "releases" in keys else (),
            shipped=not own,
        )

    def _rules(self, entry: Entry, sources: str, release: tuple[int, ...]) -> tuple[Rule, ...]:
        """The rules of the named files that hold for the release."""
        self.gathered += [part.text().removesuffix("/*") for part in entry.sequence() if part.text().endswith("/*")]
        files = [(path, self._read(path, part)) for part in entry.sequence() for path in _matching(part)]
        rules = [rule for path, text in files for rule in _shipped_rules(text, f"rules/{path}", sources)]
        return tuple(rule for rule in rules if rule.holds_for(release))

    def _overlay(self, root: Entry, name: str) -> Profile:
        """A profile with rules of one's own on top. What the base forbids stays forbidden: forbidden beats allowed."""
        keys = root.mapping(
            required=("id", "title", "version", "extends"),
            optional=("evidence", "sources", "rules", "assumptions", "status", "strict-defects"),
        )
        self._depth += 1
        if self._depth > _MAX_OVERLAYS:
            keys["extends"].fail("overlays extend each other in a circle or too deep", "extend a shipped profile")
        base = self.by_name(beside(name, keys["extends"].text()), keys["extends"].crumb)
        if keys["id"].text() == base.id:
            keys["id"].fail("the id is taken by the profile below", "choose another id")
        bibliography = {source.ref: source for rule in base.rules for source in rule.sources}
        own = sources_from(keys["sources"]) if "sources" in keys else {}
        for ref in own:
            if ref in bibliography:
                keys["sources"].items()[ref].fail("the profile below has a source of that name", "choose another name")
        bibliography |= own
        entries = keys["rules"].sequence() if "rules" in keys else []
        rules = [rule_from_yaml(part, (), bibliography) for part in entries]
        refuse_idle(entries, rules, base)
        release = _numbers(base.target["tensorrt"])
        strict = "strict-defects" in keys and parts.truth(keys["strict-defects"])
        in_force = (
            *(rule for rule in rules if rule.holds_for(release)),
            *(base.defects if strict else ()),
            *base.rules,
        )
        _refuse_doubled_ids(in_force, root)
        grades, extrapolated = base.grades, base.extrapolated
        if "evidence" in keys:
            grades, extrapolated = parts.evidence(keys["evidence"])
            if not grades <= base.grades or (extrapolated and not base.extrapolated):
                keys["evidence"].fail(
                    f"an overlay may tighten what counts as allowed, not widen it ({base.id} allows "
                    f"{', '.join(sorted(base.grades))})",
                    "remove the grades that the profile below does not accept",
                )
        return replace(
            base,
            id=keys["id"].text(),
            title=keys["title"].text(),
            version=keys["version"].text(),
            extends=(base.id, *base.extends),
            sha256=kept.digest(self.texts),
            rules=in_force,
            defects=() if strict else base.defects,
            grades=grades,
            extrapolated=extrapolated,
            assumptions=(*base.assumptions, *parts.assumptions(keys.get("assumptions"), bibliography, release)),
            files=tuple(self._files),
            release="",
            released=base.released and _released(keys.get("status")),
        )

    def _read(self, path: str, entry: Entry) -> str:
        file = resources.rules()
        for part in path.split("/"):
            if not _FILE_NAME.match(part):
                entry.fail(f"'{printable(path, 80)}' is not the name of a rule file", "write it like trt-8/pooling")
            file = file / part
        if not file.is_file():
            entry.fail(f"no rule file '{printable(path, 80)}'", "correct the name")
        self.parts.append((path, path))
        return self._remember(path, file.read_text(encoding="utf-8"))

    def _remember(self, path: str, text: str) -> str:
        self.texts.append((path, text))
        return text


def beside(overlay: str, base: str) -> str:
    """A file that an overlay extends is named relative to the overlay."""
    if base in shipped() or not base.endswith((".yaml", ".yml")):
        return base
    return os.path.join(os.path.dirname(overlay) or os.curdir, base)


# Profiles share rule files; a process that loads several reads each file once.
@cache
def _shipped_rules(text: str, file: str, sources: str) -> tuple[Rule, ...]:
    return rules_from_yaml(text, file, shipped_sources(sources))


def _released(entry: Entry | None) -> bool:
    """Rules are a draft until somebody says otherwise."""
    return entry is not None and entry.choice(_STATUS) == "released"


def _matching(entry: Entry) -> list[str]:
    """`trt-8/*` as the files of that folder, in name order, or a single file."""
    name = entry.text()
    if not name.endswith("/*"):
        return [f"{name}.yaml"]
    folder = name.removesuffix("/*")
    if not _FILE_NAME.match(folder) or not (resources.rules() / folder).is_dir():
        entry.fail(f"no rule folder '{printable(folder, 80)}'", "correct the name")
    return [f"{folder}/{path}" for path, _ in resources.yaml_files(resources.rules() / folder)]


def _refuse_doubled_ids(rules: tuple[Rule, ...], entry: Entry) -> None:
    seen: set[str] = set()
    for rule in rules:
        if rule.id in seen:
            entry.fail(f"two rules are called '{rule.id}'", "rename one of them")
        seen.add(rule.id)


def _chosen(release: str, entry: Entry | None, profile_id: str) -> dict[str, Entry]:
    """What `profile@release` changes: `drive_os`, and `lowering` where the parser of the release is another one."""
    known = entry.items() if entry is not None else {}
    if release not in known:
        what = f"{profile_id} has no release '{printable(release, 40)}'{suggest(release, known)}"
        raise UsageError("SC-CFG-PROFILE", "--profile", what, f"use one of: {', '.join(known) or 'the profile alone'}")
    chosen = known[release]
    if not chosen.is_mapping:
        return {"drive_os": chosen}
    return chosen.mapping(required=("drive_os",), optional=("lowering",))


def _numbers(release: str) -> tuple[int, ...]:
    return tuple(int(part) for part in release.split("."))
