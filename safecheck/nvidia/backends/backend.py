"""What a backend is: something of NVIDIA's that answers, about one network, whether it is in the safety scope."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from safecheck.finding import Verdict
from safecheck.nvidia.log import Summary
from safecheck.rulebook.profile import Profile
from safecheck.text import printable


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
    """A way to ask. Those that build are a `safecheck.nvidia.builder.Builder` as well."""

    @property
    def name(self) -> str:
        """As the command line calls it."""

    @property
    def release(self) -> str:
        """The TensorRT release that answers, such as `8.6.13`; empty where it does not say, or has not said yet."""

    def ask(self, path: str, book: Profile) -> Told:
        """Ask about the network in a file, for the target of a profile. Whatever goes wrong decides nothing."""

    def about(self) -> str:
        """What answered: package or program, version, platform, hash of the library; once something was asked."""


def scope_refusals(summary: Summary) -> str:
    """What a builder says against the scope, in its own words; empty if it speaks of nothing but other troubles."""
    return "; ".join(dict.fromkeys(printable(error.text, 1000) for error in summary.errors if error.kind == "scope"))
