"""Whether two models compute the same, asked of onnxruntime and numpy without anything of the code that is tested."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import onnx
import onnxruntime

TOLERANCE = 3e-4
"""Of a channel: what a chain of a dozen bounded rewrites may do, and the tolerance of the comparison itself."""
NOTHING = 1e-9
"""Of the largest result: what a mask leaves of an entry is exp(-32) at most where the original has zero."""
_TYPICAL = ("normal", "uniform", "small", "zeros", "ones")
_KINDS = (*_TYPICAL, "wide", "large")


def session(model: bytes, optimised: bool = False) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    level = onnxruntime.GraphOptimizationLevel
    options.graph_optimization_level = level.ORT_ENABLE_ALL if optimised else level.ORT_DISABLE_ALL
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def disagreement(
    before: bytes,
    after: bytes,
    seeds: int = 4,
    extreme: bool = True,
    claimed: Callable[[dict[str, Any]], bool] = lambda feed: True,
) -> str:
    """In words, where the second model computes something else; empty if it does not, or the first cannot be run.

    Without `extreme` only values are asked for that are typical of a network. Samples that nothing is `claimed` about
    are left out.
    """
    try:
        old = session(before)
    except Exception:
        return ""
    new = session(after)
    wanted = [(kind, feed, result) for kind, feed in _feeds(after, seeds) if (result := _run(old, feed)) is not None]
    wanted = [entry for entry in wanted if (extreme or entry[0] in _TYPICAL) and claimed(entry[1])]
    typical = [result for kind, _, result in wanted if kind in _TYPICAL]
    for kind, feed, expected in wanted:
        actual, near = new.run(None, feed), []
        if _first_wrong(expected, actual, typical, near, kind):  # is the original any steadier?
            near = [moved for number in range(2) if (moved := _run(old, _moved(feed, number))) is not None]
            near += [moved for one in [session(before, True)] if (moved := _run(one, feed)) is not None]
            if found := _first_wrong(expected, actual, typical, near, kind):
                return f"{found} on a {kind} sample"
    return ""


def _first_wrong(
    expected: list[Any], actual: list[Any], typical: list[list[Any]], near: list[list[Any]], kind: str
) -> str:
    for place, (one, other) in enumerate(zip(expected, actual, strict=True)):
        like, moved = [result[place] for result in typical], [result[place] for result in near]
        if found := _wrong(one, other, like, moved, kind not in _TYPICAL):
            return found
    return ""


def _run(one: onnxruntime.InferenceSession, feed: dict[str, Any]) -> list[Any] | None:
    try:
        return list(one.run(None, feed))
    except Exception:
        return None


def _feeds(model: bytes, seeds: int) -> Iterator[tuple[str, dict[str, Any]]]:
    proto = onnx.load_from_string(model)
    stored = {tensor.name for tensor in proto.graph.initializer}
    inputs = [value for value in proto.graph.input if value.name not in stored]
    for seed in range(seeds):
        for kind in _KINDS:
            random = np.random.default_rng([seed, _KINDS.index(kind)])
            feed = {}
            for value in inputs:
                shape = [dim.dim_value for dim in value.type.tensor_type.shape.dim]
                if value.type.tensor_type.elem_type == onnx.TensorProto.FLOAT:
                    feed[value.name] = _numbers(kind, random, shape)
                else:
                    feed[value.name] = np.full(shape, {"zeros": 0, "ones": 1}.get(kind, random.integers(0, 6)))
            yield kind, feed


def _numbers(kind: str, random: Any, shape: list[int]) -> Any:
    normal = random.standard_normal(shape)
    made = {
        "uniform": random.uniform(0, 1, shape), "small": 1e-3 * normal, "zeros": 0 * normal, "ones": 0 * normal + 1,
        "wide": np.sign(normal) * 10 ** random.uniform(-4, 4, shape), "large": 1e6 * normal,
    }  # fmt: skip
    return made.get(kind, normal).astype(np.float32)


def _moved(feed: dict[str, Any], number: int) -> dict[str, Any]:
    random = np.random.default_rng(number)
    moved = {}
    for name, value in feed.items():
        amount = 1e-6 * random.uniform(-1, 1, value.shape) * np.where(value == 0, np.abs(value).max() or 0.1, value)
        moved[name] = (value + amount).astype(np.float32) if value.dtype == np.float32 else value
    return moved


def _wrong(expected: Any, actual: Any, typical: list[Any], near: list[Any], extreme: bool) -> str:
    if expected.shape != actual.shape or expected.dtype != actual.dtype:
        return f"{actual.dtype} {actual.shape} instead of {expected.dtype} {expected.shape}"
    if extreme and not all(np.isfinite(one).all() for one in (expected, *near)):
        return ""  # it overflows
    steady = np.all([_kind(one) == _kind(expected) for one in near], axis=0) if near else np.array(True)
    if bool(((_kind(expected) != _kind(actual)) & steady).any()):
        return "infinities or NaN in other places"
    error = _error(expected, actual)
    move = np.sum([0 * error, *(_error(expected, one) for one in near)], axis=0)
    sizes = np.max([np.where(np.isfinite(one), np.abs(one), 0) for one in (expected, *typical)], axis=0)
    for axis in [axis for axis, size in enumerate(expected.shape) if size > 1 and (axis or expected.ndim == 1)] or [0]:
        rest = tuple(other for other in range(expected.ndim) if other != axis)
        allowed = TOLERANCE * sizes.max(axis=rest, initial=0) + 100 * np.max(move, axis=rest, initial=0)
        allowed = allowed + NOTHING * sizes.max(initial=0)
        worst = error.max(axis=rest, initial=0)
        place = int((worst - allowed).argmax())
        if worst.flat[place] > allowed.flat[place] + 1e-30:
            return f"{worst.flat[place]:.3g} off at {place} of axis {axis}, allowed are {allowed.flat[place]:.3g}"
    return ""


def _kind(array: Any) -> Any:
    return np.isnan(array) + 2 * np.isposinf(array) + 4 * np.isneginf(array)


def _error(one: Any, other: Any) -> Any:
    finite = np.isfinite(one) & np.isfinite(other)
    with np.errstate(invalid="ignore"):
        return np.where(finite, np.abs(one.astype(np.float64) - other.astype(np.float64)), 0.0)
