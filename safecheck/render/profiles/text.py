"""The targets, for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from safecheck.render.line import Line
from safecheck.rulebook.default import DEFAULT
from safecheck.rulebook.profile import Profile


def document(profiles: Sequence[Profile]) -> Iterator[Line]:
    """Each with its title and the releases that `@` chooses."""
    for profile in profiles:
        default = "  (the default)" if profile.name == DEFAULT else ""
        yield Line(f"{profile.id}{default}", "strong")
        yield Line(f"  {profile.title} ({profile.target['tensorrt']})")
        if profile.known_releases:
            yield Line(f"  @ {', '.join(profile.known_releases)}", "quiet")
