"""The bibliography: what claims rest on, and how far each source was read."""

from __future__ import annotations

import re
from functools import cache

from safecheck.finding import Citation
from safecheck.strict import resources
from safecheck.strict.yaml import Entry, load

_SOURCE_KINDS = (
    "vendor documentation", "vendor source", "vendor header", "vendor library", "vendor sample", "vendor staff reply",
    "licensed-document", "measurement", "third party",
)  # fmt: skip
_SHA256 = re.compile(r"[0-9a-f]{64}")


def sources_from(root: Entry) -> dict[str, Citation]:
    """Sources by name, of a profile or of this installation; RuleFileError if one is incomplete."""
    found = {}
    for ref, entry in root.items().items():
        keys = entry.mapping(required=("title", "kind", "read"), optional=("url", "sha256"))
        url = keys["url"].text() if "url" in keys else ""
        if url and not url.startswith("https://"):
            keys["url"].fail("an address must start with https://", "correct it")
        kind = keys["kind"].choice(_SOURCE_KINDS)
        digest = keys["sha256"].text() if "sha256" in keys else ""
        if digest and not _SHA256.fullmatch(digest):
            keys["sha256"].fail("expected 64 hexadecimal digits", "write the digest of the file in lower case")
        found[ref] = Citation(ref, "", url, keys["title"].text(), kind, keys["read"].text(), digest)
    return found


# Profiles share the sources; a process that loads several profiles reads them once.
@cache
def shipped_sources(text: str) -> dict[str, Citation]:
    """The sources in the text of `rules/sources.yaml`."""
    return sources_from(load(text, "rules/sources.yaml"))


def bibliography() -> dict[str, Citation]:
    """The shipped sources by name."""
    return shipped_sources((resources.rules() / "sources.yaml").read_text(encoding="utf-8"))
