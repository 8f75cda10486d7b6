"""ONNX's inference within limits: here where nothing can go wrong, in a copy of this process everywhere else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from safecheck.intake.onnx_library import library, messages
from safecheck.ir.shape_inference.harmless import harmless
from safecheck.ir.shape_inference.infer import Inferred, forget_declared, infer, infer_by_kind, infer_plainly
from safecheck.ir.shape_inference.value_propagation import elements_to_follow
from safecheck.limits import LIMITS, limit, limit_bytes, way_out
from safecheck.machine.fork import StoppedError, in_copy

T = TypeVar("T")


def infer_bounded(model: Any) -> Inferred:
    """Recompute all shapes of a model that nobody has looked at; it loses its declared ones.

    What cannot be inferred within the limits is tried once more without following elements of shapes, where there are
    any to follow. The problem names the limit in both cases.
    """
    if harmless(model):
        return infer_plainly(model)
    if harmless(model, alone=True) and (known := infer_by_kind(model)) is not None:
        return known
    try:
        return _inferred(model, follow=True)
    except StoppedError as stopped:
        problem = in_words(stopped)
    try:
        found = _inferred(model, follow=False) if elements_to_follow(model) else None
    except StoppedError:
        found = None
    if found is None:
        forget_declared(model)
        return Inferred(model, problem, ())
    return Inferred(found.proto, found.problem or f"elements of shapes were not followed: {problem}", found.conflicts)


def objection(model: Any) -> str:
    """What the library says against a model of one node, in its own words; empty if nothing."""
    content = model.SerializeToString()

    def ask() -> str:
        try:
            library().shape_inference.infer_shapes(content, False, True, False)
        except MemoryError:
            raise
        except Exception as error:  # the C++ library raises its own InferenceError and bare RuntimeError
            return str(error)
        return ""

    try:
        return ask() if harmless(model) else within_limits(ask)
    except StoppedError as stopped:
        return in_words(stopped)


def within_limits(work: Callable[[], T]) -> T:
    """What a function returns that may hang or take all memory.

    Raises:
        StoppedError: it reached a limit, or crashed.
    """
    return in_copy(work, limit("time"), limit_bytes("memory"))


def in_words(stopped: StoppedError) -> str:
    """Which limit was hit, where it stands and how it is raised."""
    for name, hit in (("time", stopped.timed_out), ("memory", stopped.filled)):
        if hit:
            return f"{stopped} ({LIMITS[name].code}; {way_out(name)})"
    return str(stopped)


def _inferred(model: Any, follow: bool) -> Inferred:
    def work() -> tuple[bytes, str, tuple[str, ...]]:
        found = infer(model, follow=follow)
        return found.proto.SerializeToString(), found.problem, found.conflicts

    content, problem, conflicts = within_limits(work)
    found = messages().ModelProto()
    found.ParseFromString(content)
    return Inferred(found, problem, conflicts)
