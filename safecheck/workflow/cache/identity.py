"""What a verdict depends on besides the model: the code and rules of this installation, and the libraries below.

The content counts, not version numbers, so that an edited rule or a patched installation never meets old verdicts.
"""

from __future__ import annotations

import hashlib
import importlib
import os
import platform
import sys
from collections.abc import Iterator
from functools import cache

from safecheck.audit.provenance import libraries


@cache
def installation() -> str | None:
    """SHA-256 over the code, the rules and the versions of the libraries; None where the files cannot be listed."""
    digest = hashlib.sha256(f"{platform.python_version()} {sys.platform} {platform.machine()}".encode())
    try:
        for package in ("safecheck", "safecheck.rules"):
            for name, content in _files(os.path.dirname(str(importlib.import_module(package).__file__))):
                digest.update(f"\n{name} {len(content)}\n".encode())
                digest.update(content)
        for name, version in libraries().items():
            digest.update(f"\n{name}-{version}".encode())
    except OSError:  # for example from inside a zipped wheel
        return None
    return digest.hexdigest()


def _files(folder: str) -> Iterator[tuple[str, bytes]]:
    """Name and content of every file that code or rules are read from, in a fixed order."""
    entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    for entry in entries:
        if entry.is_dir():
            for name, content in _files(entry.path):
                yield f"{entry.name}/{name}", content
        elif entry.name.endswith((".py", ".yaml", ".jsonl", ".so")):
            with open(entry.path, "rb") as file:
                yield entry.name, file.read()
