"""How many rules there are of each verdict and grade, for programs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from safecheck.render.json_text import dumped


def document(counts: Mapping[str, Counter[tuple[str, str]]]) -> str:
    """`counts` is by profile, then by verdict and grade; the result is a flat list."""
    return dumped(
        [
            {"profile": name, "verdict": verdict, "grade": grade, "rules": number}
            for name, counter in counts.items()
            for (verdict, grade), number in sorted(counter.items())
        ]
    )
