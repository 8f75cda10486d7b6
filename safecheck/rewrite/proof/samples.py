"""Seeded inputs that reach the corners: zeros of both signs, denormals, large magnitudes, infinities and NaN.

Integers have corners of their own: an index, a length or a truth value is mostly small, and often zero.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from math import prod
from typing import Any

from safecheck.ir.protos import numpy_type
from safecheck.ir.signature import Tensor

SEED = 20260
FINITE = ("normal", "wide", "zeros", "denormals", "large")
SPECIAL = "special"
INFINITE = ("infinite", "masked")
"""Some elements are infinite; whole slices are minus infinity, as behind a mask."""
TYPICAL = ("normal", "zeros", "uniform", "small", "ones")
"""What a network is made for; equal elements are what ties look like."""
EXTREME = ("wide", "denormals", "large")
_KINDS = (*FINITE, SPECIAL, *INFINITE, "uniform", "small", "ones")
_KEPT_ELEMENTS = 1 << 20


def samples(
    types: Mapping[str, Tensor], kinds: tuple[str, ...] = (*FINITE, SPECIAL)
) -> Iterator[tuple[str, dict[str, Any]]]:
    """(kind, value by name), the same values at every call. Shapes must be fixed."""
    for kind in kinds:
        yield kind, {name: _values(kind, tensor, position) for position, (name, tensor) in enumerate(types.items())}


def _values(kind: str, tensor: Tensor, position: int) -> Any:
    shape = tuple(dim for dim in tensor.shape or () if isinstance(dim, int))
    draw = _kept if prod(shape) <= _KEPT_ELEMENTS else _draw
    return draw(kind, tensor.dtype or "FLOAT", shape, position)


def _draw(kind: str, element_type: str, shape: tuple[int, ...], position: int) -> Any:
    import numpy

    random = numpy.random.default_rng([SEED, _KINDS.index(kind), position])
    dtype = numpy.dtype(numpy_type(element_type))
    if dtype.kind in "iub":
        return _integers(kind, dtype, random, shape)
    if dtype not in (numpy.float16, numpy.float32, numpy.float64):  # narrow types have no corners worth a visit
        return random.standard_normal(shape, numpy.float32).astype(dtype)
    info = numpy.finfo(dtype)
    normal = random.standard_normal(shape, numpy.float32)
    if kind == "wide":
        power = 4 if dtype.itemsize > 2 else 2
        sizes = 10 ** random.uniform(-power, power, shape)
        return numpy.multiply(sizes, numpy.sign(normal), out=sizes if shape else None).astype(dtype)
    if kind == "zeros":
        return numpy.where(normal < 0, -0.0, 0.0).astype(dtype)
    if kind == "denormals":
        return (normal.astype(numpy.float64) * float(info.tiny) / 8).astype(dtype)
    if kind == "large":
        return (normal * (1e15 if dtype.itemsize > 2 else 1e3)).astype(dtype)
    if kind == "uniform":
        return random.uniform(0, 1, shape).astype(dtype)
    if kind == "ones":
        return numpy.ones(shape, dtype)
    values = (normal * (1e-3 if kind == "small" else 1)).astype(dtype)
    if kind in (SPECIAL, *INFINITE) and values.size:
        odd = [numpy.inf, -numpy.inf, *([numpy.nan] if kind == SPECIAL else [])]
        flat = values.reshape(-1)
        places = random.permutation(flat.size)[: max(1, flat.size // 16)]
        flat[places] = numpy.resize(numpy.array(odd, dtype), places.size)
    if kind == "masked" and values.size:
        for axis, size in enumerate(shape):
            values[(slice(None),) * axis + (slice(int(random.integers(size)), None, 3),)] = -numpy.inf
    return values


def _integers(kind: str, dtype: Any, random: Any, shape: tuple[int, ...]) -> Any:
    """Integers or truth values: zero, one, both, and up to 2, 8 or the end of the type where it is narrow."""
    import numpy

    if dtype.kind == "b":
        flat = {"zeros": False, "ones": True}.get(kind)
        return random.integers(0, 2, shape).astype(dtype) if flat is None else numpy.full(shape, flat)
    info = numpy.iinfo(dtype)
    low, high = {"zeros": (0, 0), "ones": (1, 1), "small": (0, 1), "uniform": (0, 2), "wide": (0, 3)}.get(kind, (0, 7))
    if kind == "large":
        # A few numbers in a row may be the sizes of a result, which nothing has room for then.
        most = 2**4 if len(shape) < 2 and prod(shape) <= 16 else 2**15
        low, high = max(int(info.min), -most), min(int(info.max), most)
    return random.integers(low, high + 1, shape).astype(dtype)


# Sites of one network look alike, so most samples are asked for again and again.
_kept = lru_cache(maxsize=64)(_draw)


def nudged(feed: Mapping[str, Any], number: int) -> dict[str, Any]:
    """Almost the same values: numbers of a floating-point type move by up to eight units in the last place."""
    import numpy

    random = numpy.random.default_rng([SEED, number])
    moved = {}
    for name, value in feed.items():
        moved[name] = value
        if value.dtype.kind == "f" and value.size:
            unit = 8 * float(numpy.finfo(value.dtype).eps)
            largest = float(numpy.abs(numpy.where(numpy.isfinite(value), value, 0)).max())
            sizes = numpy.where(value == 0, largest or 0.125, numpy.abs(value))
            moved[name] = (value + (random.uniform(-1, 1, value.shape) * unit * sizes)).astype(value.dtype)
    return moved
