"""Ask whether a described network computes the same as its file, in a process of its own."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from typing import IO, Any

from safecheck.errors import BuildError
from safecheck.machine.child import command
from safecheck.machine.process import Limits, run
from safecheck.text import printable

PROGRAM = command("safecheck.nvidia.translation.program")
SECONDS = 120.0
_MEMORY = 8 << 30
"""Bytes of address space beside those for the weights, of which there are several copies."""
_MEMORY_PER_BYTE = 12
_ANSWER = 16 << 20
_STATES = ("same", "different", "undecided")


@dataclass(frozen=True, slots=True)
class Otherwise:
    """A tensor that the network computes otherwise than the file."""

    tensor: str
    sample: str
    layer: str
    metadata: str
    parameters: str
    file: str
    network: str
    error: float | None


@dataclass(frozen=True, slots=True)
class Answer:
    """What came out."""

    status: str
    """`same`, `different` or `undecided`."""
    reason: str = ""
    """Why nothing is decided; empty if it is."""
    samples: tuple[str, ...] = ()
    compared: int = 0
    """Tensors that the file and the network both have."""
    outputs: tuple[tuple[str, float | None], ...] = ()
    """Outputs that are the same, with the largest absolute difference."""
    differences: tuple[Otherwise, ...] = ()
    missing: tuple[tuple[str, str, str, str], ...] = ()
    """Layers that were not raised: kind, name, metadata, and why."""
    doubted: tuple[str, ...] = ()
    """Tensors on which onnxruntime does not agree with ONNX's text or reference, and the network may be right."""


def undecided(reason: str) -> Answer:
    """No answer, and why."""
    return Answer("undecided", printable(reason, 300))


def ask(
    path: str,
    description: str,
    stdin: IO[bytes] | None = None,
    *,
    size: int = 0,
    program: tuple[str, ...] = PROGRAM,
    seconds: float = SECONDS,
) -> Answer:
    """Compare the model at `path`, or the one in `stdin` for `-`, with the network described in a file.

    `size` is that of the model in bytes, with its external data. Whatever goes wrong decides nothing.
    """
    if stdin is not None:
        stdin.seek(0)
    output = io.BytesIO()
    limits = Limits(seconds, _ANSWER, _MEMORY + _MEMORY_PER_BYTE * size)
    try:
        done = run((*program, path, description), output, limits, stdin or b"", errors=False)
    except BuildError as error:
        return undecided(f"the comparison could not be started: {error.__cause__}")
    return undecided(f"the comparison failed: {done.failure}") if done.failure else read(output.getvalue())


def read(output: bytes) -> Answer:
    """The answer that the program wrote. Anything but a complete one decides nothing."""
    try:
        found = json.loads(output)
        answer = _answer(found)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return undecided("the answer of the comparison cannot be read")
    if answer.status not in _STATES or (answer.status == "different") != bool(answer.differences):
        return undecided("the answer of the comparison cannot be read")
    return answer


def _answer(found: dict[str, Any]) -> Answer:
    return Answer(
        found["status"],
        printable(found["reason"], 300),
        tuple(map(str, found.get("samples", ()))),
        int(found.get("compared", 0)),
        tuple((str(name), _number(error)) for name, error in found.get("outputs", ())),
        tuple(_otherwise(part) for part in found.get("differences", ())),
        tuple((str(kind), str(name), str(data), str(why)) for kind, name, data, why in found.get("missing", ())),
        tuple(map(str, found.get("doubted", ()))),
    )


def _otherwise(part: dict[str, Any]) -> Otherwise:
    names = ("tensor", "sample", "layer", "metadata", "parameters", "file", "network")
    tensor, sample, layer, metadata, parameters, file, network = (str(part[name]) for name in names)
    return Otherwise(tensor, sample, layer, metadata, parameters, file, network, _number(part["error"]))


def _number(value: Any) -> float | None:
    return None if value is None else float(value)
