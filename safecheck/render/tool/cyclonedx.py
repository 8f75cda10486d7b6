"""The bill of materials of an installation: the packages that a report depends on."""

from __future__ import annotations

from collections.abc import Sequence

from safecheck.audit.provenance import Package
from safecheck.render.bom import Piece, content
from safecheck.render.json_text import dumped


def document(packages: Sequence[Package]) -> str:
    """The bill; a package's hash is that of its RECORD, the list of its files with the hash of each.

    Raises:
        UsageError: the library is missing.
    """
    pieces = [
        Piece("library", f"{package.name}@{package.version}", package.name, package.record_sha256, package.version)
        for package in packages
    ]
    return dumped(content(pieces, ":".join(":".join(package) for package in packages)))
