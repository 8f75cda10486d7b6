"""Compare whole models: what a chain of rewrites does together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from safecheck.ir.signature import UNKNOWN, Tensor
from safecheck.rewrite.proof.difference import DIFFERENT, Difference, difference
from safecheck.rewrite.proof.runtime import RunError, Session, version
from safecheck.rewrite.proof.samples import FINITE, SEED, SPECIAL, samples
from safecheck.text import printable

TOLERANCE = 1e-4
"""Relative to the largest magnitude of an output; of FP16 outputs 64 units in the last place of one."""
_JUDGED = ("normal", "zeros")
"""On the other samples a network overflows or vanishes where it likes; they are compared and reported."""


@dataclass(frozen=True)
class Whole:
    """What running both models showed."""

    ran: bool
    reason: str
    """Why nothing could be run; empty otherwise."""
    by_sample: tuple[tuple[str, Difference], ...] = ()
    optimised: Difference | None = None
    """The new model with onnxruntime's optimisations on, on the first sample; against the original without them, or
    with them where the two differ."""
    seed: int = SEED
    runtime: str = ""

    @property
    def total(self) -> Difference:
        """The largest differences over the samples that count."""
        total = Difference()
        for kind, one in self.by_sample:
            if kind in _JUDGED:
                total = total.worst(one)
        return total

    @property
    def holds(self) -> bool:
        """Whether the models agree within the tolerance; True if nothing could be run."""
        parts = [one for kind, one in self.by_sample if kind in _JUDGED]
        parts += [] if self.optimised is None else [self.optimised]
        return all(one.same_nonfinite and one.max_rel <= self.tolerance for one in parts)

    tolerance: float = TOLERANCE


def compare_models(before: bytes | str, after: bytes | str, inputs: dict[str, Tensor]) -> Whole:
    """Run both on the same seeded inputs, optimisations off, and the new one also with optimisations on."""
    for name, tensor in inputs.items():
        if tensor.dims is UNKNOWN or tensor.dtype is None:
            return Whole(False, f"the shape of input {printable(name, 60)} is not fixed; give --batch")
    tolerance = 64 * 2**-10 if any(tensor.dtype == "FLOAT16" for tensor in inputs.values()) else TOLERANCE
    try:
        old = Session(before)
        old.run(next(samples(inputs, FINITE[:1]))[1])
    except RunError as error:
        return Whole(False, f"onnxruntime cannot run the original: {printable(str(error), 200)}")
    results: list[tuple[str, Difference]] = []
    expected_first = feed_first = None
    try:
        new = Session(after)
        for kind, feed in samples(inputs, (*FINITE, SPECIAL)):
            try:
                expected = old.run(feed)
            except RunError:  # such as axes out of range: where the original gives nothing, nothing can differ
                continue
            results.append((kind, _worst(expected, new.run(feed))))
            if feed_first is None:
                expected_first, feed_first = expected, feed
        fast = Session(after, optimised=True).run(feed_first or {})
        optimised = _worst(expected_first or [], fast)
        if optimised.max_rel > tolerance:  # optimising the original may do as much to it
            optimised = _worst(Session(before, optimised=True).run(feed_first or {}), fast)
    except RunError as error:
        # The original runs on a normal sample, so this is no reason to look away.
        return Whole(True, f"onnxruntime stopped: {printable(str(error), 200)}", (("normal", DIFFERENT),))
    return Whole(True, "", tuple(results), optimised, runtime=version(), tolerance=tolerance)


def _worst(wanted: Sequence[Any], got: Sequence[Any]) -> Difference:
    worst = Difference()
    for one, other in zip(wanted, got, strict=True):
        worst = worst.worst(difference(one, other))
    return worst
