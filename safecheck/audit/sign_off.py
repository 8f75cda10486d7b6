"""What the page that is signed says of itself: the day of the review, and how much of the annex is printed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, get_args

from safecheck.values import dataclass

if TYPE_CHECKING:
    from datetime import date

Annex = Literal["none", "summary", "full"]
ANNEXES: tuple[Annex, ...] = get_args(Annex)


@dataclass(frozen=True, slots=True)
class SignOff:
    """What the invocation says about the page. Nothing is taken from a clock: equal invocations give equal bytes."""

    annex: Annex = "summary"
    """How much of the annex is printed: nothing, its tables without names and pictures, or all of it."""
    as_of: date | None = None
    """The day of the review; None leaves a line to write it on."""


BLANK = SignOff()
"""Where nobody has said anything."""
