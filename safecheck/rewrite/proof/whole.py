"""Compare whole models: what a chain of rewrites does together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from safecheck.ir.signature import UNKNOWN, Tensor
from safecheck.rewrite.proof.channels import Sizes
from safecheck.rewrite.proof.difference import DIFFERENT, Difference
from safecheck.rewrite.proof.judge import Outputs, Ruling, grown, judged, shown
from safecheck.rewrite.proof.pieces import run_optimised
from safecheck.rewrite.proof.runtime import RunError, Session, version
from safecheck.rewrite.proof.samples import EXTREME, SEED, SPECIAL, TYPICAL, nudged, samples
from safecheck.text import printable

TOLERANCE = 1e-4
"""Relative to the largest magnitude in a channel."""
HALF_TOLERANCE = 64 * 2**-10
"""Where anything is computed in FP16: 64 units in the last place of one."""
_KEPT = 64 << 20
"""Bytes of results of the original that are kept for the comparison. Those of further samples are computed again, so
that one sample at a time is in memory."""


@dataclass(frozen=True)
class Whole:
    """What running both models showed."""

    ran: bool
    reason: str
    """Why nothing could be run, or why it stopped; empty otherwise."""
    by_sample: tuple[tuple[str, Difference], ...] = ()
    """Relative differences are those of the worst channel."""
    optimised: Difference | None = None
    """The new model with onnxruntime's optimisations on, on the first sample; against the original without them, or
    with them where the two differ."""
    seed: int = SEED
    runtime: str = ""
    tolerance: float = TOLERANCE
    failures: tuple[str, ...] = ()
    """In words, what is further apart than it may be."""
    against: str = ""
    """What the result was compared with; empty for the original as it is in the file."""

    @property
    def total(self) -> Difference:
        """The largest differences over the samples that are typical of a network."""
        total = Difference()
        for kind, one in self.by_sample:
            if kind in TYPICAL:
                total = total.worst(one)
        return total

    @property
    def holds(self) -> bool:
        """Whether the models agree within the tolerance; True if nothing could be run."""
        return not self.failures


_SIZES = (2, 1, 32)


def _closed(inputs: Mapping[str, Tensor], size: int) -> dict[str, Tensor]:
    closed = {}
    for name, tensor in inputs.items():
        shape = tuple(dim if isinstance(dim, int) else size for dim in tensor.shape or ())
        closed[name] = tensor._replace(shape=shape)
    return closed


@dataclass(frozen=True)
class Scope:
    """On what two models have to agree."""

    extreme: bool = True
    """Also on magnitudes that are legal and rare."""
    half: bool = False
    """Whether something is computed in FP16."""


def compare_models(
    before: bytes | str, after: bytes | str, inputs: Mapping[str, Tensor], scope: Scope = Scope()
) -> Whole:
    """Run both on the same seeded inputs, optimisations off, and the new one also with optimisations on.

    Dimensions that are open get a size with which the original can be run.
    """
    for name, tensor in inputs.items():
        if tensor.shape is None or tensor.dtype is None:
            return Whole(False, f"the type or rank of input {printable(name, 60)} is not known")
    if any(tensor.dims is UNKNOWN for tensor in inputs.values()):
        found = Whole(False, "")
        for size in _SIZES:
            found = compare_models(before, after, _closed(inputs, size), scope)
            if found.ran:
                return found
        return replace(found, reason=f"{found.reason}; open dimensions were tried as {_SIZES}, give --batch")
    half = scope.half or any(tensor.dtype == "FLOAT16" for tensor in inputs.values())
    tolerance = HALF_TOLERANCE if half else TOLERANCE
    try:
        old = Session(before)
    except RunError as error:
        return Whole(False, f"onnxruntime cannot run the original: {printable(str(error), 200)}")
    wanted: dict[str, Outputs | None] = {}
    sizes: list[Sizes] = []
    left, problem = _KEPT, ""
    for kind, feed in samples(inputs, (*TYPICAL, *EXTREME, SPECIAL)):
        try:
            outputs = old.run(feed)
        except RunError as error:  # such as axes out of range: where the original gives nothing, nothing can differ
            problem = problem or str(error)
            continue
        sizes = grown(sizes, outputs) if kind in TYPICAL else sizes
        left -= _size(outputs)
        wanted[kind] = outputs if left >= 0 else None
    if not wanted:
        return Whole(False, f"onnxruntime cannot run the original: {printable(problem, 200)}")
    names = old.outputs
    del old  # one session at a time: each has the weights of its model in memory
    del outputs, feed
    judge = _Judge(before, names, sizes, tolerance, scope)
    results: list[tuple[str, Difference]] = []
    failures: list[str] = []
    try:
        made = _results(after, inputs, tuple(wanted)) if left >= 0 else {}
        for kind, feed in samples(inputs, tuple(wanted)):
            expected = wanted[kind] or Session(before).run(feed)
            ruling = judge.ruling(kind, feed, expected, made[kind] if kind in made else Session(after).run(feed))
            results.append((kind, ruling.difference))
            failures += [f"{ruling.failure} on the {kind} sample"] if ruling.failure else []
            del expected, feed
        kind, feed = next(samples(inputs, tuple(wanted)))
        fast = run_optimised(after, feed)
        ruling = judge.ruling(kind, feed, wanted[kind] or Session(before).run(feed), fast)
        if all(difference.same_bits for _, difference in results):
            ruling = ruling._replace(failure="")  # the same function: what is optimised away is not the rewrite's
        if ruling.failure:  # optimising the original may do as much to it
            ruling = judge.ruling(kind, feed, run_optimised(before, feed), fast)
        failures += [f"{ruling.failure} with onnxruntime optimising"] if ruling.failure else []
    except RunError as error:
        # The original runs on these samples, so this is no reason to look away.
        stopped = f"onnxruntime stopped: {printable(str(error), 200)}"
        return Whole(True, stopped, (("normal", DIFFERENT),), tolerance=tolerance, failures=(stopped,))
    runtime = version()
    return Whole(True, "", tuple(results), ruling.difference, SEED, runtime, tolerance, tuple(failures))


def _results(model: bytes | str, inputs: Mapping[str, Tensor], kinds: tuple[str, ...]) -> dict[str, Outputs]:
    """What a model makes of every sample. Its session is gone then: whoever judges them may need another one."""
    session = Session(model)
    return {kind: session.run(feed) for kind, feed in samples(inputs, kinds)}


def _size(outputs: Outputs) -> int:
    """Bytes of the arrays among some results."""
    return sum(getattr(array, "nbytes", 0) for array in outputs)


class _Judge:
    """Knows the original, and so how far its results move by themselves."""

    def __init__(
        self, model: bytes | str, names: list[str], sizes: list[Sizes], tolerance: float, scope: Scope
    ) -> None:
        self._model = model
        self._names = names
        self._sizes = sizes
        self._tolerance = tolerance
        self._scope = scope

    def ruling(self, kind: str, feed: Mapping[str, Any], expected: Outputs, actual: Outputs) -> Ruling:
        """How far two results of the same inputs are apart, and what is wrong with that."""
        # Kernels of onnxruntime differ in what they make of infinities and NaN, whichever way weights are stored.
        if kind == SPECIAL or (kind in EXTREME and not self._scope.extreme):
            return shown(expected, actual, self._sizes)
        found = judged(self._names, expected, actual, self._sizes, self._tolerance, (), kind in EXTREME)
        if not found.failure:
            return found
        moved = list(self._moved(feed))
        return judged(self._names, expected, actual, self._sizes, self._tolerance, moved, kind in EXTREME)

    def _moved(self, feed: Mapping[str, Any]) -> Iterator[Outputs]:
        """What the original makes of almost the same inputs, and of the same ones where onnxruntime optimises it."""
        with suppress(RunError):
            session = Session(self._model)
            for number in range(2):
                with suppress(RunError):
                    yield session.run(nudged(feed, number))
            del session
        with suppress(RunError):
            yield run_optimised(self._model, feed)
