"""What somebody meant by a word that is not known: its only continuation, or a close one; never another number.

A number in a name is a release, and the words before it are a target. Whoever mistypes one of them is not served with
the verdict of another.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

_NUMBER = re.compile(r"\d+")
_PART = re.compile(r"[^\W\d_]+")
_CLOSE = 0.7
"""How alike the words before a number have to be, as `difflib` counts it."""


def completed(word: str, known: Iterable[str]) -> str | None:
    """The only known word that goes on where this one ends; None if there is none, or several."""
    found = [other for other in dict.fromkeys(known) if word and other.startswith(word)]
    return word if word in found else found[0] if len(found) == 1 else None


def suggest(word: str, known: Iterable[str]) -> str:
    """` (did you mean 'x'?)` if a known word continues this one or is close to it, else nothing."""
    options = list(dict.fromkeys(known))
    begun = completed(word, options)
    fitting = [other for other in options if _agree(word, other)]
    close = [begun] if begun is not None else difflib.get_close_matches(word, fitting, n=1, cutoff=0.55)
    return f" (did you mean '{close[0]}'?)" if close else ""


def _agree(word: str, other: str) -> bool:
    """Whether no number, and no word before the first number, contradicts the other."""
    given, numbers = _NUMBER.findall(word), _NUMBER.findall(other)
    if given != numbers:
        return False
    if not given:
        return True
    mine, theirs = (_PART.findall(text[: text.index(given[0])]) for text in (word, other))
    return len(mine) == len(theirs) and all(
        difflib.SequenceMatcher(None, one.casefold(), two.casefold()).ratio() >= _CLOSE
        for one, two in zip(mine, theirs, strict=True)
    )
