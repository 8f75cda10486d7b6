"""What a backend is: something of the vendor's that answers, about one network, whether it is in the safety scope."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from safecheck.finding import Verdict


class Told(NamedTuple):
    """The answer about one network."""

    verdict: Verdict
    """`UNPROVEN` where there is no answer about the scope, whatever the reason."""
    words: str
    """The vendor's own words, or why there is no answer; one line."""
    layers: tuple[str, ...] = ()
    """Types of the refused layers, where the vendor names them."""
    log: bytes = b""
    """What the answer was read from."""


class Backend(Protocol):
    """A way to ask."""

    name: str

    def ask(self, path: str) -> Told:
        """Ask about the network in a file. Whatever goes wrong decides nothing."""

    def about(self) -> str:
        """What answered: package or program, version, platform, hash of the library; once something was asked."""

    def release(self) -> str:
        """The TensorRT release that answered, such as `8.6.13`; empty where it does not say."""
