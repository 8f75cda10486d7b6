"""Layers that work on every element by itself."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from safecheck.nvidia.translation.network import Array, Layer, NotRaised

_ERFC = (
    -1.26551223, 1.00002368, 0.37409196, 0.09678418, -0.18628806, 0.27886807, -1.13520398, 1.48851587, -0.82215223,
    0.17087277,
)  # fmt: skip
"""Numerical Recipes, 6.2: the logarithm of t * exp(x^2) * erfc(x) by powers of t = 1 / (1 + x / 2)."""


def erf(x: Array) -> Array:
    """The Gauss error function in FP32, to about 1e-6."""
    size = np.abs(np.asarray(x, np.float32))
    t = 1 / (1 + np.float32(0.5) * size)
    power = np.full_like(t, _ERFC[-1])
    for coefficient in _ERFC[-2::-1]:
        power *= t
        power += np.float32(coefficient)
    found = 1 - t * np.exp(power - size * size)
    # Near zero the difference loses all digits, and three terms of Taylor's series have them.
    small = np.float32(2 / math.sqrt(math.pi)) * size * (1 - size**2 / 3 + size**4 / 10)
    return np.copysign(np.where(size < 0.1, small, found), x)


def _softplus(x: Array, alpha: float, beta: float) -> Array:
    return alpha * np.logaddexp(beta * x, np.float32(0))


def _gelu_tanh(x: Array) -> Array:
    return np.asarray(0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (0.044715 * x**3 + x))))


_ACTIVATIONS: Mapping[str, Callable[[Array, float, float], Array]] = {
    "CLIP": lambda x, alpha, beta: np.maximum(alpha, np.minimum(beta, x)),
    "ELU": lambda x, alpha, _: np.where(x >= 0, x, alpha * np.expm1(np.minimum(x, 0))),
    "GELU_ERF": lambda x, *_: 0.5 * x * (1 + erf(math.sqrt(0.5) * x)),
    "GELU_TANH": lambda x, *_: _gelu_tanh(x),
    "HARD_SIGMOID": lambda x, alpha, beta: np.maximum(0, np.minimum(1, alpha * x + beta)),
    "LEAKY_RELU": lambda x, alpha, _: np.where(x >= 0, x, alpha * x),
    "RELU": lambda x, *_: np.maximum(x, 0),
    "SCALED_TANH": lambda x, alpha, beta: alpha * np.tanh(beta * x),
    "SELU": lambda x, alpha, beta: beta * np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0))),
    "SIGMOID": lambda x, *_: 1 / (1 + np.exp(-x)),
    "SOFTPLUS": _softplus,
    "SOFTSIGN": lambda x, *_: x / (1 + np.abs(x)),
    "TANH": lambda x, *_: np.tanh(x),
    "THRESHOLDED_RELU": lambda x, alpha, _: np.where(x > alpha, x, 0),
}
_UNARIES: Mapping[str, Callable[[Array], Array]] = {
    "ABS": np.abs,
    "ACOS": np.arccos,
    "ACOSH": np.arccosh,
    "ASIN": np.arcsin,
    "ASINH": np.arcsinh,
    "ATAN": np.arctan,
    "ATANH": np.arctanh,
    "CEIL": np.ceil,
    "COS": np.cos,
    "COSH": np.cosh,
    "ERF": erf,
    "EXP": np.exp,
    "FLOOR": np.floor,
    "ISINF": np.isinf,
    "ISNAN": np.isnan,
    "LOG": np.log,
    "NEG": np.negative,
    "NOT": np.logical_not,
    "RECIP": lambda x: 1 / x,
    "ROUND": np.rint,
    "SIGN": np.sign,
    "SIN": np.sin,
    "SINH": np.sinh,
    "SQRT": np.sqrt,
    "TAN": np.tan,
}


def _divide(a: Array, b: Array) -> Array:
    """Of integers towards zero, as in C++."""
    if not np.issubdtype(a.dtype, np.integer):
        return np.divide(a, b)
    if (b == 0).any():
        raise NotRaised("a division of integers by zero is not documented")
    magnitude: Array = np.abs(a) // np.abs(b)
    return np.where((a < 0) != (b < 0), -magnitude, magnitude).astype(a.dtype)


def _floor_divide(a: Array, b: Array) -> Array:
    if np.issubdtype(a.dtype, np.integer) and (b == 0).any():
        raise NotRaised("a division of integers by zero is not documented")
    return np.floor(np.divide(a, b)) if np.issubdtype(a.dtype, np.floating) else np.floor_divide(a, b)


def _power(a: Array, b: Array) -> Array:
    """Of integers through FP64: numpy refuses a negative power of them."""
    if np.issubdtype(a.dtype, np.floating):
        return np.power(a, b)
    found = np.trunc(np.power(a.astype(np.float64), b))
    limits = np.iinfo(a.dtype)
    if not ((found >= limits.min) & (found <= limits.max)).all():
        raise NotRaised("a power of integers beyond their range is not documented")
    return found.astype(a.dtype)


_BINARIES: Mapping[str, Callable[[Array, Array], Array]] = {
    "AND": np.logical_and,
    "DIV": _divide,
    "EQUAL": np.equal,
    "FLOOR_DIV": _floor_divide,
    "GREATER": np.greater,
    "LESS": np.less,
    "MAX": np.maximum,
    "MIN": np.minimum,
    "OR": np.logical_or,
    "POW": _power,
    "PROD": np.multiply,
    "SUB": np.subtract,
    "SUM": np.add,
    "XOR": np.logical_xor,
}


def _named(table: Mapping[str, Any], name: str) -> Any:
    if name not in table:
        raise NotRaised(f"{name} is not known here")
    return table[name]


def activation(layer: Layer, x: Array) -> Array:
    """`IActivationLayer`; alpha and beta in FP32, as the interface has them."""
    return np.asarray(_named(_ACTIVATIONS, layer["type"])(x, np.float32(layer["alpha"]), np.float32(layer["beta"])))


def unary(layer: Layer, x: Array) -> Array:
    """`IUnaryLayer`."""
    return np.asarray(_named(_UNARIES, layer["op"])(x))


def elementwise(layer: Layer, a: Array, b: Array) -> Array:
    """`IElementWiseLayer`; a dimension of 1 is broadcast."""
    if a.ndim != b.ndim:
        raise NotRaised(f"ranks {a.ndim} and {b.ndim} of an elementwise layer")
    return np.asarray(_named(_BINARIES, layer["op"])(a, b))


def select(_: Layer, condition: Array, yes: Array, no: Array) -> Array:
    """`ISelectLayer`."""
    return np.where(condition, yes, no)


def identity(_: Layer, x: Array) -> Array:
    """What changes at most the element type, which is done where the output is rounded."""
    return x


def assertion(_: Layer, condition: Array) -> tuple[Array, ...]:
    """`IAssertionLayer`: nothing, or the engine fails."""
    if not condition.all():
        raise NotRaised("an assertion of the network fails")
    return ()


def parametric_relu(_: Layer, x: Array, slopes: Array) -> Array:
    """`IParametricReLULayer`."""
    return np.where(x >= 0, x, x * slopes)


def scale(layer: Layer, x: Array) -> Array:
    """`IScaleLayer`: (x * scale + shift) ^ power, with coefficients for all, for each channel or for each element."""
    shape = {
        "UNIFORM": (1,) * x.ndim,
        "CHANNEL": tuple(-1 if axis == layer["channel_axis"] else 1 for axis in range(x.ndim)),
        "ELEMENTWISE": x.shape,
    }[layer["mode"]]

    def coefficients(name: str, default: float) -> Array:
        found = layer[name]
        if found is None:
            raise NotRaised(f"the weights {name} are of a type that cannot be read")
        return np.asarray(found if found.size else [default], np.float32).reshape(
            shape if found.size else (1,) * x.ndim
        )

    return np.asarray(np.power(x * coefficients("scale", 1) + coefficients("shift", 0), coefficients("power", 1)))
