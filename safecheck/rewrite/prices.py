"""What a site costs before and after it is replaced, and how much all replacements together may add."""

from __future__ import annotations

from typing import NamedTuple

from safecheck.cost.price import Price


class Prices(NamedTuple):
    """Of a site, as a network of its own; None where a size is not known."""

    today: Price | None
    then: Price | None

    @property
    def added(self) -> int | None:
        """How much the estimate grows; negative if the replacement is cheaper."""
        return None if self.today is None or self.then is None else self.then.estimate - self.today.estimate

    @property
    def rank(self) -> tuple[bool, int]:
        """Sorts replacements, the cheapest first, those of unknown price last."""
        return self.added is None, self.added or 0


UNPRICED = Prices(None, None)


class Purse:
    """What replacements may add to a network so that it costs at most a multiple of the original.

    The price of the network is followed as that of the original plus what each replacement adds to its site. What makes
    the network cheaper is always welcome.
    """

    def __init__(self, original: Price | None, limit: float, asked: float) -> None:
        """`limit` is the multiple that is kept to, `asked` the one that the user named."""
        self._original = None if original is None else original.estimate
        self._limit = limit
        self._asked = asked
        self._added = 0

    def refuses(self, prices: Prices) -> str:
        """Why a replacement is too dear; empty if it is not."""
        if self._original is None or prices.added is None:
            return "its price is not known, so --max-price leaves it out: a size is open, see --batch"
        total = self._original + self._added + prices.added
        if prices.added <= 0 or total <= self._limit * self._original:
            return ""
        times = f"{total / self._original:.2f} times the price of the original" if self._original else "more"
        return f"the network would cost {times}, --max-price is {self._asked:g}"

    def pay(self, prices: Prices) -> None:
        """A replacement took place."""
        self._added += prices.added or 0
