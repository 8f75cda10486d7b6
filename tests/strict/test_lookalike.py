"""Names that can be taken for each other, and names that cannot."""

from __future__ import annotations

import pytest

from safecheck.strict.lookalike import ASCII, alike, letters, partners_of

SAME = {
    "case": ("Ann Lee", "ANN LEE"),
    "spaces and punctuation": ("tensorrt-8.6-restricted", "tensorrt 8.6_restricted"),
    "a hyphen that is none": ("tensorrt-8.6", "tensorrt\u20118.6"),
    "Cyrillic": ("Jane Doe", "J\u0430ne D\u043ee"),
    "Greek capitals": ("TENSOR", "\u03a4\u0395NSOR"),
    "full width": ("Jane", "\uff2a\uff41\uff4e\uff45"),
    "mathematical": ("Jane", "\U0001d409ane"),
    "small capitals": ("tensor", "\u1d1bensor"),
    "in a square": ("tensor", "\U0001f143ensor"),
    "letters that are digits": ("Olli", "0ll1"),
    "I for l": ("Alice", "AIice"),
    "1 for I in capitals": ("alice", "AL1CE"),
    "r and n for m": ("Armin", "Arrnin"),
    "zero width": ("Jane", "Ja\u200bne"),
    "a filler that counts as a letter": ("Jane", "Jane\u3164"),
    "a selector that counts as a mark": ("Jane", "Jane\ufe0f"),
    "tags": ("Jane", "Jane\U000e0041"),
    "accents, composed and not": ("Jos\u00e9", "Jose\u0301"),
    "a stroke": ("Lukas", "\u0141ukas"),
    "right to left": ("l", "\u05c0"),
}


@pytest.mark.parametrize(("one", "other"), SAME.values(), ids=SAME)
def test_alike(one: str, other: str) -> None:
    assert alike(one, other)
    assert alike(other, one)


@pytest.mark.parametrize(
    ("one", "other"), [("Ann", "Bob"), ("Mila", "Milo"), ("\u674e\u660e", "\u738b\u660e"), ("v1", "v2")]
)
def test_different(one: str, other: str) -> None:
    assert not alike(one, other)


def test_the_short_table_is_the_long_one() -> None:
    """A letter or digit in ASCII is itself unless the table has one partner for it and more for that partner."""
    for sign in map(chr, range(128)):
        partners = partners_of(sign)
        only = next(iter(partners)) if len(partners) == 1 else sign
        if sign.isalnum() and (len(only) > 1 or len(partners_of(only)) > 1):
            assert ASCII.get(sign, sign) == only
    assert partners_of("|") == {"l"}


def test_letters_are_what_is_seen() -> None:
    assert [letters(text) for text in ("", "..", "A.", "Jo", "\u3164\u3164", "1 2")] == [0, 0, 1, 2, 0, 0]
