"""The network that the vendor's parser made, read from its description; what wrote it is not trusted."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import ml_dtypes
import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

TYPES: Mapping[str, np.dtype[Any]] = {
    "FLOAT": np.dtype(np.float32),
    "HALF": np.dtype(np.float16),
    "BF16": np.dtype(ml_dtypes.bfloat16),
    "FP8": np.dtype(ml_dtypes.float8_e4m3fn),
    "FP4": np.dtype(ml_dtypes.float4_e2m1fn),
    "INT4": np.dtype(ml_dtypes.int4),
    "INT8": np.dtype(np.int8),
    "UINT8": np.dtype(np.uint8),
    "INT32": np.dtype(np.int32),
    "INT64": np.dtype(np.int64),
    "BOOL": np.dtype(np.bool_),
}
"""The vendor's element types that this room can compute with."""
_STORED = frozenset({"float32", "float16", "int8", "uint8", "int32", "int64", "bool"})


class NotRaised(Exception):  # noqa: N818 - not an error: an answer of this room
    """Why a layer, or a layer with such operands, has no meaning here; one line."""


class Tensor(NamedTuple):
    """A tensor of the network."""

    name: str
    dtype: str
    """The vendor's name of the element type."""
    shape: tuple[int, ...] | None
    """A dimension that is not known is -1; None where not even the rank is."""


@dataclass(frozen=True)
class Layer:
    """A layer with all its parameters, under the names that the vendor's Python interface has for them."""

    kind: str
    """`CONVOLUTION`, as in the vendor's `LayerType`."""
    name: str
    metadata: str
    inputs: tuple[Tensor | None, ...]
    outputs: tuple[Tensor, ...]
    parameters: Mapping[str, Any] = field(default_factory=dict)
    """Numbers, names of enumerators, lists, arrays; None is not set."""

    def __getitem__(self, name: str) -> Any:
        return self.parameters[name]

    def __str__(self) -> str:
        """Kind and parameters in words; arrays by their sizes only."""
        words = [f"{name}={_word(name, value)}" for name, value in self.parameters.items() if value is not None]
        return f"{self.kind} {' '.join(words)}".strip()


@dataclass(frozen=True, slots=True)
class Network:
    """Layers in the order in which the parser added them, which need not be that of their use."""

    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    layers: tuple[Layer, ...]


def _word(name: str, value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"{value.size} weights"
    if isinstance(value, dict):  # what the layer belongs to
        return ",".join(f"{key}:{part}" for key, part in value.items())
    if name == "axes" and isinstance(value, int):
        return bin(value)
    return str(value).replace(" ", "")


def read(data: bytes) -> Network:
    """The network that `safecheck.nvidia.scope_check.description` wrote.

    Raises:
        ValueError: it is not such a description.
    """
    end = data.find(b"\n")
    try:
        found = json.loads(data[:end])
        arrays = _Arrays(memoryview(data)[end + 1 :])
        layers = tuple(_layer(part, arrays) for part in found["layers"])
        inputs, outputs = ([_tensor(part) for part in found[name]] for name in ("inputs", "outputs"))
    except (KeyError, TypeError, AttributeError, RecursionError, ValueError) as error:
        raise ValueError("the description of the network cannot be read") from error
    if None in (*inputs, *outputs):
        raise ValueError("the network has an input or output that is none")
    made = [tensor.name for layer in layers for tensor in layer.outputs]
    if len(set(made)) < len(made):
        raise ValueError("two tensors of the network have one name")
    return Network(tuple(filter(None, inputs)), tuple(filter(None, outputs)), layers)


class _Arrays:
    """The arrays of a description, taken in their order."""

    def __init__(self, data: memoryview) -> None:
        self._data = data
        self._at = 0

    def take(self, dtype: str, count: int | None) -> Array | None:
        """The next array; None where the writer had none for that type."""
        if count is None:
            return None
        if dtype not in _STORED:
            raise ValueError(dtype)
        start, self._at = self._at, self._at + count * np.dtype(dtype).itemsize
        if not 0 <= start <= self._at <= len(self._data):
            raise ValueError("an array is cut")
        return np.frombuffer(self._data[start : self._at], dtype)


def _layer(found: dict[str, Any], arrays: _Arrays) -> Layer:
    parameters = {str(name): _value(value, arrays) for name, value in found["parameters"].items()}
    outputs = [_tensor(part) for part in found["outputs"]]
    return Layer(
        str(found["kind"]),
        str(found["name"]),
        str(found["metadata"]),
        tuple(map(_tensor, found["inputs"])),
        tuple(filter(None, outputs)),
        parameters,
    )


def _value(value: Any, arrays: _Arrays) -> Any:
    if isinstance(value, dict) and "array" in value:
        return arrays.take(value["array"], value["count"])
    return value


def _tensor(found: Any) -> Tensor | None:
    if found is None:
        return None
    name, dtype, shape = found
    if not (isinstance(name, str) and isinstance(dtype, str)):
        raise TypeError(found)
    return Tensor(name, dtype, None if shape is None else tuple(map(int, shape)))


def volume(shape: tuple[int, ...]) -> int:
    """Number of elements."""
    return math.prod(shape)
