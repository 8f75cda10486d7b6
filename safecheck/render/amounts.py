"""Numbers in the words of every report; what is not known is said to be unknown."""

from __future__ import annotations

UNKNOWN = "unknown"
_SMALL, _LARGE = 1e6, 1e9


def macs(count: int | None) -> str:
    """`4.541 G` or `6.141 M`."""
    if count is None:
        return UNKNOWN
    return f"{count / 1e9:.3f} G" if count >= _LARGE / 10 else f"{count / 1e6:.3f} M"


def size(count: int | None) -> str:
    """`86.4 MB` or `150.1 kB`, in powers of ten."""
    if count is None:
        return UNKNOWN
    return f"{count / 1e6:.1f} MB" if count >= _SMALL else f"{count / 1e3:.1f} kB"


def parameters(count: int | None) -> str:
    """`27.56 M` or `62,762`."""
    if count is None:
        return UNKNOWN
    return f"{count / 1e6:.2f} M" if count >= _SMALL else f"{count:,}"
