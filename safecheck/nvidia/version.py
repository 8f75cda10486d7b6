"""Releases of TensorRT, and what differs between them: the one place to change for a new release.

Options of trtexec by release: samples/common/sampleOptions.cpp of 6.0.1, 8.2 to 8.6, 9.3, 10.0 to 10.16, 11.0, 11.1.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from safecheck.errors import UsageError
from safecheck.text import printable

Release = tuple[int, ...]
_RELEASE = re.compile(r"[0-9]{1,3}(\.[0-9]{1,5}){1,3}\Z", re.ASCII)


@dataclass(frozen=True, slots=True)
class Releases:
    """All releases from one on, up to but without another."""

    since: Release = ()
    until: Release | None = None

    def __contains__(self, release: Release) -> bool:
        return self.since <= release and (self.until is None or release < self.until)


FLAG_IGNORED = Releases((10, 16))
"""The builder ignores SAFETY_SCOPE (header-11.1, kSAFETY_SCOPE); kSAFETY still restricts."""
SAFETY_FLAG = Releases((8,), until=FLAG_IGNORED.since)
"""A standard build is restricted by SAFETY_SCOPE; before, only a safe one was."""
NEW_CAPABILITIES = Releases((8,))
"""SAFETY and DLA_STANDALONE; before, they were SAFE_GPU and SAFE_DLA."""
FLAG_EXPLICIT_BATCH = Releases(until=(11,))
"""The network is created with EXPLICIT_BATCH."""
STRONGLY_TYPED = Releases((10,))
"""The file decides the precision."""
ALWAYS_STRONGLY_TYPED = Releases((11,))
FLAG_DIRECT_IO = Releases((8, 4))
AUX_STREAMS = Releases((8, 6))
"""A safe engine is built for one stream."""

OPTION_EXPLICIT_BATCH = Releases(until=(8,))
OPTION_RESTRICTED = Releases((8, 2))
OPTION_EXPORT_LAYERS = Releases((8, 2))
OPTION_SKIP_INFERENCE = Releases((8, 6))
"""`--buildOnly` before."""
OPTION_DLA_STANDALONE = Releases((8, 6))
"""`--safe` before."""
OPTION_DIRECT_IO = Releases((8, 4), until=(11,))
OPTION_STRONGLY_TYPED = Releases((10,), until=(11,))

_GENERATIONS = (
    ("6", Releases((6,), (7,))),
    ("7", Releases((7,), (8,))),
    ("9", Releases((9,), (10,))),
    ("10", Releases((10,), FLAG_IGNORED.since)),
    ("11", FLAG_IGNORED),
)
"""8.x is not among them: there, each minor release is one."""


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
    return next((name for name, releases in _GENERATIONS if release in releases), dotted(release[:2]))


def from_code(code: int) -> str:
    """The release that `NV_TENSORRT_VERSION` stands for: 8601 is 8.6.1, 101001 is 10.10.1; empty if it is neither.

    Up to 9.x it is major * 1000 + minor * 100 + patch, from 10.0 on major * 10000 + minor * 100 + patch.
    """
    if 6000 <= code < 10000:
        return f"{code // 1000}.{code // 100 % 10}.{code % 100}"
    if 100000 <= code < 990000:
        return f"{code // 10000}.{code // 100 % 100}.{code % 100}"
    return ""
