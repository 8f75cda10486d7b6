"""The targets, for programs."""

from __future__ import annotations

from collections.abc import Sequence

from safecheck.render.json_text import dumped
from safecheck.rulebook.default import DEFAULT
from safecheck.rulebook.profile import Profile


def document(profiles: Sequence[Profile]) -> str:
    """A list in the order of the names."""
    return dumped(
        [
            {
                "id": profile.id,
                "version": profile.version,
                "title": profile.title,
                "target": dict(sorted(profile.target.items())),
                "releases": list(profile.known_releases),
                "default": profile.name == DEFAULT,
                "sha256": profile.sha256,
            }
            for profile in profiles
        ]
    )
