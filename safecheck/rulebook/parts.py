"""Parts of a profile file: what counts as evidence, what is assumed, and how exporters spell things."""

from __future__ import annotations

from collections.abc import Mapping

from safecheck.finding import Citation, Grade
from safecheck.rulebook.profile import Assumption, Idiom
from safecheck.rulebook.rule import citations, releases, speaks_of
from safecheck.strict.yaml import Entry


def evidence(entry: Entry) -> tuple[frozenset[Grade], bool]:
    """Grades that may count as allowed, and whether forms near those seen working count."""
    keys = entry.mapping(required=("allow", "extrapolated"))
    return frozenset(Grade(part.choice(Grade)) for part in keys["allow"].sequence()), truth(keys["extrapolated"])


def truth(entry: Entry) -> bool:
    """True or false, and nothing else."""
    value = entry.scalar()
    return value if isinstance(value, bool) else entry.fail("expected true or false", "correct it")


def idioms(root: Entry) -> dict[str, Idiom]:
    """How exporters spell things, by the names of the recognisers."""
    found = {}
    for name, entry in root.items().items():
        keys = entry.mapping(required=("title", "note"))
        found[name] = Idiom(keys["title"].text(), keys["note"].text())
    return found


def remedies(root: Entry) -> dict[str, tuple[str, ...]]:
    """Operators in words -> the rewrites that take them."""
    found: dict[str, tuple[str, ...]] = {}
    for name, entry in root.items().items():
        for part in entry.sequence():
            found[part.text()] = (*found.get(part.text(), ()), name)
    return found


def assumptions(
    entry: Entry | None, bibliography: Mapping[str, Citation], release: tuple[int, ...]
) -> tuple[Assumption, ...]:
    """What is assumed of a build of the release."""
    found = []
    for part in entry.sequence() if entry is not None else ():
        keys = part.mapping(required=("id", "text", "sources"), optional=("grade", "releases"))
        grade = Grade(keys["grade"].choice(Grade)) if "grade" in keys else None
        cited = citations(keys["sources"], bibliography)
        if speaks_of(releases(keys.get("releases")), release):
            found.append(Assumption(keys["id"].text(), keys["text"].text(), grade, cited))
    return tuple(found)
