"""What takes the place of some nodes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Replacement:
    """New producers for existing values. Everything that reads them stays as it is."""

    inputs: tuple[str, ...]
    """Existing values that the new nodes read and that a proof feeds; old and new are functions of these."""
    outputs: tuple[str, ...]
    """Existing values that the new nodes make."""
    nodes: tuple[Any, ...] = ()
    """NodeProtos in order."""
    constants: dict[str, Any] = field(default_factory=dict)
    """New initializers: name -> array."""
    aliases: dict[str, str] = field(default_factory=dict)
    """Existing values that are another existing value: nothing is left to do for them."""
