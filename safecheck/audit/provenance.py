"""Which software made a report: versions, and the hash of the list of files that each package installed."""

from __future__ import annotations

import hashlib
import platform
import sys
from importlib import metadata
from typing import NamedTuple

_PACKAGES = (
    "safecheck-trt",
    "onnx",
    "protobuf",
    "numpy",
    "networkx",
    "PyYAML",
    "click",
    "confusable-homoglyphs",
    "rich",
    "Jinja2",
    "MarkupSafe",
    "onnxruntime",
)


class Package(NamedTuple):
    """One installed distribution."""

    name: str
    version: str
    record_sha256: str
    """SHA-256 of its RECORD, which lists every file with its hash; empty where the installer wrote none."""


def packages() -> tuple[Package, ...]:
    """The interpreter and everything a report depends on, in a fixed order; what is not installed is left out."""
    found = [Package(platform.python_implementation(), ".".join(map(str, sys.version_info[:3])), "")]
    for name in _PACKAGES:
        try:
            distribution = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            continue
        record = distribution.read_text("RECORD")
        digest = hashlib.sha256(record.encode()).hexdigest() if record else ""
        found.append(Package(name, distribution.version, digest))
    return tuple(found)
