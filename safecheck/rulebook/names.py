"""The names of the shipped profiles, without reading one of them."""

from __future__ import annotations

from safecheck.strict import resources
from safecheck.strict.words import completed


def full_name(name: str) -> str:
    """A profile by the whole of its name: `tensorrt-8.6` is `tensorrt-8.6-restricted` while no other one begins so.

    What names no shipped profile, a file among it, is handed on as it is.
    """
    stem, at, release = name.partition("@")
    folder = resources.rules() / "profiles"
    known = [path.removesuffix(".yaml") for path, _ in resources.yaml_files(folder)]
    found = completed(stem, known)
    return name if found is None else f"{found}{at}{release}"
