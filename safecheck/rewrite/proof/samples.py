"""Seeded inputs that reach the corners: zeros of both signs, denormals, large magnitudes, infinities and NaN."""

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

    random = numpy.random.default_rng([SEED, (*FINITE, SPECIAL).index(kind), position])
    dtype = numpy.dtype(numpy_type(element_type))
    if dtype.kind == "b":
        return random.integers(0, 2, shape).astype(dtype)
    if dtype.kind in "iu":
        return random.integers(0, 8, shape).astype(dtype)
    if dtype not in (numpy.float16, numpy.float32, numpy.float64):  # narrow types have no corners worth a visit
        return random.standard_normal(shape, numpy.float32).astype(dtype)
    info = numpy.finfo(dtype)
    normal = random.standard_normal(shape, numpy.float32)
    if kind == "wide":
        power = 4 if dtype.itemsize > 2 else 2
        return (numpy.sign(normal) * 10 ** random.uniform(-power, power, shape)).astype(dtype)
    if kind == "zeros":
        return numpy.where(normal < 0, -0.0, 0.0).astype(dtype)
    if kind == "denormals":
        return (normal.astype(numpy.float64) * float(info.tiny) / 8).astype(dtype)
    if kind == "large":
        return (normal * (1e15 if dtype.itemsize > 2 else 1e3)).astype(dtype)
    values = normal.astype(dtype)
    if kind == SPECIAL and values.size:
        flat = values.reshape(-1)
        places = random.permutation(flat.size)[: max(1, flat.size // 16)]
        flat[places] = numpy.resize(numpy.array([numpy.nan, numpy.inf, -numpy.inf], dtype), places.size)
    return values


# Sites of one network look alike, so most samples are asked for again and again.
_kept = lru_cache(maxsize=64)(_draw)
