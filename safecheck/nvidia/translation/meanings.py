"""The meaning of every kind of layer, in numpy, by the vendor's documentation (comments of NvInfer.h, Python API).

A meaning takes the layer and the values of its operands, None for an absent one, and gives the value of its output, or
of its outputs in a tuple. Floating point is worked in FP32 where the tensors are narrower, and rounded at the layer's
output. What the documentation leaves open, or this table lacks, is `NotRaised`: then nothing is decided.

Loops and conditionals are more than one layer: `execute` knows them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from safecheck.nvidia.translation.layers import (
    dense,
    movement,
    normalization,
    pointwise,
    quantization,
    sampling,
    window,
)
from safecheck.nvidia.translation.network import Array, Layer, NotRaised

Value = Array | tuple[Array, ...]
Meaning = Callable[..., Value]

MEANINGS: Mapping[str, Meaning] = {
    "ACTIVATION": pointwise.activation,
    "ASSERTION": pointwise.assertion,
    "ATTENTION_INPUT": dense.attention,
    "ATTENTION_OUTPUT": pointwise.identity,
    "CAST": pointwise.identity,
    "CONCATENATION": movement.concatenation,
    "CONSTANT": movement.constant,
    "CONVOLUTION": window.convolution,
    "CUMULATIVE": normalization.cumulative,
    "DECONVOLUTION": window.deconvolution,
    "DEQUANTIZE": quantization.dequantize,
    "EINSUM": dense.einsum,
    "ELEMENTWISE": pointwise.elementwise,
    "FILL": movement.fill,
    "GATHER": movement.gather,
    "GRID_SAMPLE": sampling.grid_sample,
    "IDENTITY": pointwise.identity,
    "LRN": normalization.lrn,
    "MATRIX_MULTIPLY": dense.matrix_multiply,
    "NON_ZERO": movement.non_zero,
    "NORMALIZATION": normalization.normalization,
    "ONE_HOT": movement.one_hot,
    "PADDING": movement.padding,
    "PARAMETRIC_RELU": pointwise.parametric_relu,
    "POOLING": window.pooling,
    "QUANTIZE": quantization.quantize,
    "REDUCE": normalization.reduce,
    "RESIZE": sampling.resize,
    "REVERSE_SEQUENCE": movement.reverse_sequence,
    "SCALE": pointwise.scale,
    "SCATTER": movement.scatter,
    "SELECT": pointwise.select,
    "SHAPE": movement.shape,
    "SHUFFLE": movement.shuffle,
    "SLICE": movement.slice_,
    "SOFTMAX": normalization.softmax,
    "SQUEEZE": movement.squeeze,
    "TOPK": normalization.top_k,
    "UNARY": pointwise.unary,
    "UNSQUEEZE": movement.unsqueeze,
}
"""Name of the vendor's layer type -> meaning."""


def meaning(layer: Layer, operands: Sequence[Array | None]) -> Value:
    """What a layer computes of its operands.

    Raises:
        NotRaised: nothing is documented, or known here, of such a layer.
    """
    if layer.kind not in MEANINGS:
        raise NotRaised(f"{layer.kind} is not known here")
    return MEANINGS[layer.kind](layer, *operands)
