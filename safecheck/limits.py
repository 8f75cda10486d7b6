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
    "time": Limit("SC-LIM-TIME", 20.0, "seconds", "processor time of shape inference for one model"),
    "memory": Limit("SC-LIM-MEMORY", 1.5, "GiB", "memory of shape inference for one model"),
    "run": Limit("SC-LIM-RUN", 45.0, "seconds", "processor time of one run of a network or of a part of it"),
    "nodes": Limit("SC-LIM-EXPAND", 1_000_000, "nodes", "a model has once its functions are written out"),
    "findings": Limit("SC-LIM-FINDINGS", 100_000, "findings", "one model has: nobody reads more, and reports hold all"),
    "fields": Limit("SC-LIM-FIELDS", 1 << 22, "fields", "protobuf fields outside of tensor data"),
    "text": Limit("SC-LIM-STRING", 128, "MiB", "a model without its tensor data"),
    "external": Limit("SC-LIM-EXT", 64, "GiB", "external data of one model"),
}
_BYTES = {"MiB": 1 << 20, "GiB": 1 << 30}
_raised: dict[str, float] = {}


def limit(name: str) -> float:
    """The value that holds in this process, in the unit of the limit."""
    return _raised.get(name, LIMITS[name].default)


def limit_bytes(name: str) -> int:
    """The value of a limit of memory or of a size."""
    return int(limit(name) * _BYTES[LIMITS[name].unit])


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
