"""What a model may ask for: every limit has a name, a value, an error id, and where it can be raised an option.

A limit that is hit is an error of its id, never a pass. Those without an option are limits of protobuf, ONNX or
TensorRT themselves: a model beyond them is no use to anybody.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Limit(NamedTuple):
    """One limit that can be raised, by `--limit-NAME`."""

    code: str
    default: float
    unit: str
    what: str
    """Completes "the most that ... may be", for the help text."""


LIMITS: Mapping[str, Limit] = {
    "time": Limit("SC-LIM-TIME", 30.0, "s", "processor time of shape inference and constant folding for one model"),
    "memory": Limit("SC-LIM-MEMORY", 1.5, "GiB", "memory of shape inference and constant folding for one model"),
    "nodes": Limit("SC-LIM-EXPAND", 1_000_000, "nodes", "a model has once its functions are written out"),
    "fields": Limit("SC-LIM-FIELDS", 1 << 22, "fields", "protobuf fields outside of tensor data"),
    "text": Limit("SC-LIM-STRING", 512, "MiB", "a model without its tensor data"),
    "external": Limit("SC-LIM-EXT", 64, "GiB", "external data of one model"),
}
_raised: dict[str, float] = {}


def limit(name: str) -> float:
    """The value that holds in this process, in the unit of the limit."""
    return _raised.get(name, LIMITS[name].default)


def raised() -> dict[str, float]:
    """The limits that are not at their defaults, to be handed to another process."""
    return dict(_raised)


def set_limits(values: Mapping[str, float]) -> None:
    """Let these limits hold in this process; what is not named has its default."""
    _raised.clear()
    _raised.update(values)


def way_out(name: str, otherwise: str = "") -> str:
    """What to do where a limit is hit."""
    option = f"give it more with --limit-{name}"
    return f"{otherwise}, or {option}" if otherwise else option
