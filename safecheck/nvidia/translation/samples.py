"""What both are run on: seeded inputs, of sizes at which misreadings show."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import numpy as np
import onnx
from onnx import helper

from safecheck.nvidia.translation.network import Array
from safecheck.nvidia.translation.original import NotRun, dimensions, element_type
from safecheck.nvidia.translation.seed import SEED

_UNKNOWN = 2
"""What stands for a dimension that the file leaves open."""
_Draw = Callable[[np.random.Generator, tuple[int, ...]], Array]

# Large ones are close to each other: the exponential of each overflows, not the ratio of two.
_FLOATS: Mapping[str, _Draw] = {
    "normal": lambda rng, shape: 3 * rng.standard_normal(shape),
    "below one": lambda rng, shape: rng.uniform(-0.95, 0.95, shape),
    "above one": lambda rng, shape: rng.uniform(1.05, 4, shape),
    "integers": lambda rng, shape: rng.integers(-3, 4, shape),
    "large": lambda rng, shape: rng.uniform(89, 100, shape),
    "large negative": lambda rng, shape: -rng.uniform(89, 100, shape),
    "zeros": lambda _, shape: np.zeros(shape),
}
_INTEGERS: Mapping[str, _Draw] = {
    "normal": lambda rng, shape: rng.integers(1, 4, shape) * rng.choice([-1, 1], shape),
    "below one": lambda rng, shape: rng.integers(0, 2, shape),
    "above one": lambda rng, shape: rng.integers(1, 4, shape),
    "integers": lambda rng, shape: rng.integers(-1, 2, shape),
    "large": lambda rng, shape: rng.integers(1 << 20, 1 << 30, shape),
    "large negative": lambda rng, shape: -rng.integers(1 << 20, 1 << 30, shape),
    "zeros": lambda _, shape: np.zeros(shape),
}
NAMES = tuple(_FLOATS)
_NO_ZERO = frozenset({"Div", "GRU", "LSTM", "Mod", "RNN"})
"""No integer is 0: dividing by it ends onnxruntime's process, and what a sequence of length 0 is, nobody says."""
_HALF = 1 / 8
"""The exponential of 12 overflows in FP16 what that of 96 does in FP32."""


def samples(
    model: onnx.ModelProto, inputs: Mapping[str, onnx.ValueInfoProto], names: tuple[str, ...] = NAMES
) -> Iterator[tuple[str, dict[str, Array]]]:
    """Name and inputs of every sample.

    Raises:
        NotRun: an input is no tensor of numbers.
    """
    operators = {node.op_type for node in model.graph.node}
    divides = bool(_NO_ZERO & operators) or bool(model.functions)
    for name in names:
        rng = np.random.default_rng([SEED, NAMES.index(name)])
        drawn = {key: np.asarray(_drawn(rng, name, value)) for key, value in inputs.items()}
        if not (divides and name in ("zeros", "below one", "integers") and _integers(drawn)):
            yield name, drawn


def _integers(drawn: Mapping[str, Array]) -> bool:
    return any(np.issubdtype(value.dtype, np.integer) for value in drawn.values())


def _drawn(rng: np.random.Generator, name: str, value: onnx.ValueInfoProto) -> Array:
    try:
        dtype = np.dtype(helper.tensor_dtype_to_np_dtype(element_type(value)))
    except (KeyError, TypeError) as error:
        raise NotRun(f"the input {value.name} is no tensor of numbers") from error
    shape = tuple(size if isinstance(size, int) else _UNKNOWN for size in dimensions(value))
    if dtype == np.bool_:
        return np.asarray(rng.random(shape) < {"zeros": 0, "above one": 1}.get(name, 0.5))
    if np.issubdtype(dtype, np.integer):
        # What may be a shape, an axis or a count stays small.
        found = np.asarray(_INTEGERS["normal" if "large" in name and len(shape) < 2 else name](rng, shape))
        limits = np.iinfo(dtype)
        return np.asarray(np.clip(found, limits.min, limits.max).astype(dtype))
    if dtype.kind not in "fV":
        raise NotRun(f"the input {value.name} is no tensor of numbers")
    found = np.asarray(_FLOATS[name](rng, shape))
    return (found * _HALF if dtype.itemsize < 4 and "large" in name else found).astype(dtype)
