"""Numbers in the words of every report; what is not known is said to be unknown."""

from __future__ import annotations

from safecheck.cost.price import Price

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


def prices(before: Price, after: Price) -> str:
    """`4.5 -> 5.1 G MACs, 99 -> 160 MB`: multiply-accumulates and estimated traffic, each pair in one unit."""
    parts = []
    for old, new, unit, scales in (
        (before.macs, after.macs, "MACs", (("G ", 1e8, 1e9), ("M ", 1e5, 1e6), ("", 0, 1))),
        (before.traffic, after.traffic, "B", (("M", 1e6, 1e6), ("k", 1e3, 1e3), ("", 0, 1))),
    ):
        prefix, _, scale = next(row for row in scales if max(old, new) >= row[1])
        parts.append(f"{_short(old / scale)} -> {_short(new / scale)} {prefix}{unit}")
    return ", ".join(parts)


def _short(value: float) -> str:
    """Two digits, or all that are whole."""
    return f"{value:.0f}" if value >= 10 or value == int(value) else f"{value:.2g}"
