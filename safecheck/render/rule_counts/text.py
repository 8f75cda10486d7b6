"""How many rules there are of each verdict and grade, for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping


def document(counts: Mapping[str, Counter[tuple[str, str]]]) -> str:
    """`counts` is by profile, then by verdict and grade."""
    return "".join(f"{line}\n" for line in _lines(counts))


def _lines(counts: Mapping[str, Counter[tuple[str, str]]]) -> Iterator[str]:
    for name, counter in counts.items():
        yield f"{name}: {sum(counter.values())} rules"
        for (verdict, grade), number in sorted(counter.items()):
            yield f"  {number:>4}  {verdict}  ({grade})"
