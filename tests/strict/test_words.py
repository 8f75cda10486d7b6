"""What is suggested for an unknown word: its continuation, or a close word, never another release or target."""

from __future__ import annotations

import pytest

from safecheck.rulebook.load import profile, shipped
from safecheck.rulebook.names import full_name
from safecheck.strict.words import completed, suggest


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("tensorrt-8.6", "tensorrt-8.6-restricted"),
        ("tensorrt-8.6-restrictd", "tensorrt-8.6-restricted"),
        ("tensort-8.6-restricted", "tensorrt-8.6-restricted"),
        ("tensorrt-10-restricted", "tensorrt-10-safety"),
        ("tensorrt-6", "tensorrt-6-safe"),
        ("drive-xaver-dla-8.5", "drive-xavier-dla-8.5"),
        ("tensorrt-8", ""),  # three releases begin so
        ("tensorrt-8.7-restricted", ""),
        ("tensorrt-9-safety", ""),
        ("tensorrt-restricted", ""),
        ("drive-xavier-dla-8.6", ""),  # Orin has an 8.6, Xavier has not
        ("quite-another", ""),
    ],
)
def test_never_another_release_or_target(word: str, meant: str) -> None:
    assert suggest(word, shipped()) == (f" (did you mean '{meant}'?)" if meant else "")


def test_a_word_is_completed_where_only_one_goes_on() -> None:
    known = ["audit", "bench", "build"]
    assert completed("b", known) is None
    assert completed("be", known) == "bench"
    assert completed("audit", [*known, "audits"]) == "audit"
    assert completed("", known) is None


def test_the_beginning_of_a_profile_is_enough() -> None:
    assert profile("tensorrt-8.6").id == "tensorrt-8.6-restricted"
    assert profile("tensorrt-8.6@8.6.12").name == "tensorrt-8.6-restricted@8.6.12"
    assert full_name("ours/tensorrt-8.6.yaml") == "ours/tensorrt-8.6.yaml"
    assert full_name("tensorrt-8") == "tensorrt-8"
