"""What a name looks like: names that a reader takes for each other must not stand for different things.

The skeleton is that of Unicode Technical Standard 39, section 4, with the table of the package `confusable-homoglyphs`.
It is wider than the standard: compatible characters, accents and letters in other dress are the same here.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache

_IGNORABLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f"
    "\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
"""Default_Ignorable_Code_Point of the Unicode Character Database: shown as nothing."""
ASCII = {"0": "O", "1": "l", "I": "l", "|": "l", "m": "rn"}
"""What the table says of letters and digits in ASCII, and of what looks like one."""
_DRESSED = re.compile(r"LATIN (?:SMALL |CAPITAL )?LETTER (?:SMALL CAPITAL )?([A-Z])\b|SYMBOL LETTER ([A-Z])$")
"""Names of small capitals, letters with strokes and hooks, and letters in squares and circles."""


def alike(one: str, other: str) -> bool:
    """Whether two names can be taken for each other."""
    return not faces(one).isdisjoint(faces(other))


def faces(text: str) -> frozenset[str]:
    """How a name can look; two that share a face can be taken for each other.

    Case, spaces, punctuation, accents and what is invisible make no difference. `I` looks like `l`, but only in its
    case, so a name has a face for each.
    """
    return frozenset(_plain(_skeleton(form)) for form in (text, text.casefold(), text.upper()))


def letters(text: str) -> int:
    """How many letters a reader sees."""
    return sum(sign.isalpha() for sign in _IGNORABLE.sub("", text))


def _skeleton(text: str) -> str:
    visible = _IGNORABLE.sub("", unicodedata.normalize("NFKD", text))
    return unicodedata.normalize("NFKD", "".join(map(_prototype, visible)))


def _plain(text: str) -> str:
    return "".join(sign for sign in "".join(map(_undressed, text)).casefold() if sign.isalnum())


def _undressed(sign: str) -> str:
    """The letter of the alphabet that is written in another way, which the table does not follow."""
    found = None if sign.isascii() else _DRESSED.search(unicodedata.name(sign, ""))
    return sign if found is None else found[1] or found[2]


def _prototype(sign: str) -> str:
    """What UTS 39 maps a character to: itself, or its only partner in the table.

    The table lists pairs in both directions. A prototype is mapped to itself, so a character that has several partners
    is one; of a pair that has no others, either will do, as long as it is the same for both.
    """
    if sign.isascii():
        return ASCII.get(sign, sign)
    partners = partners_of(sign)
    if len(partners) != 1:
        return sign
    (partner,) = partners
    only_pair = len(partner) == 1 and len(partners_of(partner)) == 1
    return min(sign, partner) if only_pair else partner


@cache
def partners_of(sign: str) -> frozenset[str]:
    """The characters that the table pairs with one."""
    from confusable_homoglyphs.confusables import confusables_data  # a tenth of a second, which names in ASCII spare

    # Right-to-left characters stand between marks in the source of the table.
    found = confusables_data.get(sign) or confusables_data.get(f"\u200e{sign}\u200e", ())
    return frozenset(_IGNORABLE.sub("", partner["c"]) for partner in found)
