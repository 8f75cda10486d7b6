"""What the check can answer about a model, and how its program's output is read."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import Enum
from typing import Any, NamedTuple, TypeGuard

from safecheck.nvidia.scope_check.words import Refused, is_dynamic, refused
from safecheck.text import printable


class Scope(Enum):
    """What the check says about a model."""

    INSIDE = "in scope"
    REFUSED = "refused"
    UNCHECKED = "unchecked"
    INVALID = "invalid network"
    UNPARSED = "refused by the parser"
    CRASHED = "crashed"

    @property
    def decided(self) -> bool:
        """Whether the answer is about the safety scope."""
        return self in (Scope.INSIDE, Scope.REFUSED)


class Made(NamedTuple):
    """A layer as the vendor's parser made it."""

    name: str
    metadata: str
    label: str
    """`IReduceLayer:kAVG`."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer about one model."""

    scope: Scope
    reason: str = ""
    """Why there is no answer about the scope; empty if there is one."""
    refused: tuple[Refused, ...] = ()
    """What is out of scope; where the parser refused the model, its errors by the name of the node."""
    layers: tuple[Made, ...] = ()
    version: str = ""
    library: str = ""
    """Path of the shared library that answered."""


_FREEZE = "make every dimension a number first, as `safecheck fix --batch N` does"
_REASONS = {
    Scope.UNCHECKED: f"the check skips a network with dynamic or data-dependent shapes: {_FREEZE}",
    Scope.INVALID: "the network is invalid even without the safety flag",
    Scope.UNPARSED: "the vendor's parser refuses the model",
    Scope.CRASHED: "the check failed",
}


def failed(reason: str) -> Answer:
    """No answer, and why."""
    return Answer(Scope.CRASHED, f"{_REASONS[Scope.CRASHED]}: {printable(reason)}")


def read(output: bytes) -> Answer:
    """The answer that the program wrote. Anything but a complete one is a failure of the check."""
    try:
        found = json.loads(output)
    except (ValueError, RecursionError):
        return failed("its answer cannot be read" if output else "it did not answer")
    if not isinstance(found, dict) or found.get("scope") not in Scope.__members__ or not _complete(found):
        return failed("its answer cannot be read")
    scope, messages = Scope[found["scope"]], found["messages"]
    errors = [(name, text) for name, text in found.get("errors", ())]
    positions = found.get("positions", ())
    told = [text for _, text in errors] or messages
    reason = "" if scope.decided else _REASONS[scope]
    if scope is Scope.INVALID and any(map(is_dynamic, messages)):
        reason = _REASONS[Scope.UNCHECKED]
    elif told and scope in (Scope.INVALID, Scope.UNPARSED, Scope.CRASHED):
        reason += f": {printable(told[0])}"
    refusals = (refused(messages) or (Refused("", "refused without a word"),)) if scope is Scope.REFUSED else ()
    return Answer(
        scope,
        reason,
        refusals
        or tuple(Refused(name, printable(text, 300), at) for (name, text), at in zip(errors, positions, strict=True)),
        tuple(Made(*layer) for layer in found.get("layers", ())),
        found.get("version", ""),
        found.get("library", ""),
    )


def _complete(found: dict[str, Any]) -> bool:
    return (
        _texts(found.get("messages"))
        and isinstance(found.get("version", ""), str)
        and isinstance(found.get("library", ""), str)
        and _rows(found.get("errors", []), 2)
        and _rows(found.get("layers", []), 3)
        and _positions(found.get("positions"), len(found.get("errors", [])))
    )


def _positions(value: object, count: int) -> bool:
    if value is None:
        return count == 0
    return isinstance(value, list) and len(value) == count and all(type(part) is int for part in value)


def _rows(value: object, width: int) -> bool:
    return isinstance(value, list) and all(_texts(row) and len(row) == width for row in value)


def _texts(value: object) -> TypeGuard[list[str]]:
    return isinstance(value, list) and all(isinstance(part, str) for part in value)
