"""Releases of TensorRT, and which safety check the builder of each one runs."""

from __future__ import annotations

import re

from safecheck.errors import UsageError
from safecheck.text import printable

Release = tuple[int, ...]
FLAG_IGNORED = (10, 16)
"""From here on the builder ignores SAFETY_SCOPE (header-11.1, kSAFETY_SCOPE); kSAFETY still restricts."""
_RELEASE = re.compile(r"[0-9]{1,3}(\.[0-9]{1,5}){1,3}\Z", re.ASCII)


def release_of(text: str, where: str = "--tensorrt") -> Release:
    """`8.6.11` as (8, 6, 11); a build number behind it is kept.

    Raises:
        UsageError: it is not a release.
    """
    if not _RELEASE.match(text):
        what = f"'{printable(text, 40)}' is not a release of TensorRT"
        raise UsageError("SC-CFG-RELEASE", where, what, "write it as 8.6.11")
    found = tuple(int(part) for part in text.split("."))
    if found < (6,):
        raise UsageError("SC-CFG-RELEASE", where, f"TensorRT {text} is too old", "use 6.0 or later")
    return found


def dotted(release: Release) -> str:
    """(8, 6, 11) as `8.6.11`."""
    return ".".join(map(str, release))


def generation(release: Release) -> str:
    """Releases of one generation have one safety scope, so that a build by one speaks about the others.

    8.x differ by minor release (library messages of 8.4, 8.5 and 8.6); 10.0 to 10.15 share the `Minimal Safety Scope`;
    from 10.16 on there is no list and the compiler decides.
    """
    if release < (8,):
        return str(release[0])
    if release < (9,):
        return f"8.{release[1]}"
    if release < (10,):
        return "9"
    return "10" if release < FLAG_IGNORED else "11"


def from_code(code: int) -> str:
    """The release that `NV_TENSORRT_VERSION` stands for: 8601 is 8.6.1, 101001 is 10.10.1; empty if it is neither.

    Up to 9.x it is major * 1000 + minor * 100 + patch, from 10.0 on major * 10000 + minor * 100 + patch.
    """
    if 6000 <= code < 10000:
        return f"{code // 1000}.{code // 100 % 10}.{code % 100}"
    if 100000 <= code < 990000:
        return f"{code // 10000}.{code // 100 % 100}.{code % 100}"
    return ""
