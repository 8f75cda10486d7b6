"""What a rewritten network costs beside the original: estimated always, measured if it is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from safecheck.cost.price import Price, ratio
from safecheck.ir.signature import UNKNOWN, Tensor
from safecheck.measure.timing.ratio import Latency, latency
from safecheck.rewrite.proof.runtime import RunError
from safecheck.rewrite.proof.samples import FINITE, samples
from safecheck.text import printable


@dataclass(frozen=True, slots=True)
class Toll:
    """Two networks side by side, for one run at the batch of the file."""

    before: Price | None = None
    """None where a size is not known, and so is the other."""
    after: Price | None = None
    batch: int | None = None
    """First dimension of all inputs; None if they differ or it is open."""
    limit: float | None = None
    """What the user allows the price to become, as a multiple of the original's; None without a limit."""
    latency: Latency | None = None
    """None if it was not asked for, or could not be measured."""
    unmeasured: str = ""
    """Why it could not be measured."""

    @property
    def ratio(self) -> float | None:
        """The price beside that of the original; None if one is not known."""
        return None if self.before is None or self.after is None else ratio(self.after, self.before)


FREE = Toll()
"""Where nobody has asked what it costs."""


def toll(
    before: Price | None,
    after: Price | None,
    inputs: Mapping[str, Tensor],
    limit: float | None,
    timed: tuple[bytes | str, bytes | str] | None,
) -> Toll:
    """What two networks of the same inputs cost; two files are run against each other's time."""
    found = None if timed is None else _measured(*timed, inputs)
    problem = found if isinstance(found, str) else ""
    return Toll(before, after, _batch(inputs), limit, found if isinstance(found, Latency) else None, problem)


def _batch(inputs: Mapping[str, Tensor]) -> int | None:
    """The first dimension of all inputs that have one; None if they differ or it is open."""
    first = {tensor.shape[0] if tensor.shape else None for tensor in inputs.values() if tensor.shape != ()}
    batch = first.pop() if len(first) == 1 else None
    return batch if isinstance(batch, int) else None


def _measured(before: bytes | str, after: bytes | str, inputs: Mapping[str, Tensor]) -> Latency | str:
    """The latency of two models on the same normal sample, or why there is none."""
    for name, tensor in inputs.items():
        if tensor.dims is UNKNOWN or tensor.dtype is None:
            return f"the shape of input {printable(name, 60)} is not fixed; give --batch"
    try:
        return latency(before, after, next(samples(dict(inputs), FINITE[:1]))[1])
    except RunError as error:
        return f"onnxruntime cannot run it: {printable(str(error), 200)}"
