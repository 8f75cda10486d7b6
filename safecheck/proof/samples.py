"""Seeded inputs that reach the corners: zeros of both signs, denormals, large magnitudes, infinities and NaN."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from safecheck.form import Tensor
from safecheck.workshop.weights import numpy_type

SEED = 20260
FINITE = ("normal", "wide", "zeros", "denormals", "large")
SPECIAL = "special"


def samples(
    types: Mapping[str, Tensor], kinds: tuple[str, ...] = (*FINITE, SPECIAL)
) -> Iterator[tuple[str, dict[str, Any]]]:
    """(kind, value by name), the same values at every call. Shapes must be fixed."""
    import numpy

    for number, kind in enumerate(kinds):
        random = numpy.random.default_rng([SEED, number])
        yield kind, {name: _draw(random, kind, tensor) for name, tensor in types.items()}


def _draw(random: Any, kind: str, tensor: Tensor) -> Any:
    import numpy

    dtype = numpy.dtype(numpy_type(tensor.dtype or "FLOAT"))
    shape = tuple(dim for dim in tensor.shape or () if isinstance(dim, int))
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
