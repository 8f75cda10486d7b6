"""Which software made a report: versions, and the hash of the list of files that each package installed."""

from __future__ import annotations

import hashlib
import os
import platform
import sys
from functools import cache
from typing import NamedTuple

_DECIDING = ("confusable_homoglyphs", "ml_dtypes", "networkx", "numpy", "onnx", "protobuf")
"""Libraries that a verdict depends on, as their folders of metadata are named."""

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


@cache
def libraries() -> dict[str, str]:
    """Name -> version of the libraries that a verdict depends on.

    By the names of their metadata alone: importing the libraries to ask them would cost more than an audit.
    """
    found: dict[str, str] = {}
    for folder in sys.path:
        if folder and os.path.isdir(folder):
            for entry in os.listdir(folder):
                name, _, version = entry.removesuffix(".dist-info").partition("-")
                if name in _DECIDING and entry.endswith(".dist-info"):
                    found.setdefault(name, version)
    return dict(sorted(found.items()))


class Package(NamedTuple):
    """One installed distribution."""

    name: str
    version: str
    record_sha256: str
    """SHA-256 of its RECORD, which lists every file with its hash; empty where the installer wrote none."""


def packages() -> tuple[Package, ...]:
    """The interpreter and everything a report depends on, in a fixed order; what is not installed is left out."""
    from importlib import metadata  # a kept verdict does not pay for it

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
