"""Products of matrices, and what is made of them."""

from __future__ import annotations

import numpy as np

from safecheck.nvidia.translation.layers.normalization import softmax_along
from safecheck.nvidia.translation.network import Array, Layer, NotRaised


def matrix_multiply(layer: Layer, a: Array, b: Array) -> Array:
    """`IMatrixMultiplyLayer`: collections of matrices, transposed or not, or of vectors."""
    if a.ndim - (layer["op0"] != "VECTOR") != b.ndim - (layer["op1"] != "VECTOR"):
        raise NotRaised(f"collections of ranks {a.ndim} and {b.ndim}")
    left = a[..., None, :] if layer["op0"] == "VECTOR" else _transposed(a, layer["op0"])
    right = b[..., :, None] if layer["op1"] == "VECTOR" else _transposed(b, layer["op1"])
    found = np.matmul(left, right)
    if layer["op1"] == "VECTOR":
        found = found[..., 0]
    if layer["op0"] == "VECTOR":
        found = found[..., 0] if layer["op1"] == "VECTOR" else found[..., 0, :]
    return np.asarray(found)


def _transposed(matrices: Array, operation: str) -> Array:
    return matrices.swapaxes(-1, -2) if operation == "TRANSPOSE" else matrices


def einsum(layer: Layer, *operands: Array) -> Array:
    """`IEinsumLayer`."""
    return np.asarray(np.einsum(layer["equation"].replace(" ", ""), *operands))


def attention(layer: Layer, query: Array, key: Array, value: Array, mask: Array | None = None, *rest: Array) -> Array:
    """`IAttention`: softmax(query * key^T + mask) * value, in [batch, heads, tokens, width]; it scales nothing."""
    form = layer["attention"]
    if rest or form["norm_op"] not in ("NONE", "SOFTMAX"):
        raise NotRaised("a quantised attention")
    heads = query.shape[1] // key.shape[1]
    key, value = key.repeat(heads, 1), value.repeat(heads, 1)
    scores = np.matmul(query, key.swapaxes(-1, -2))
    if mask is not None:
        scores = np.where(mask, scores, -np.inf) if mask.dtype == np.bool_ else scores + mask
    if form["causal"]:
        scores = np.where(np.tri(*scores.shape[-2:], dtype=np.bool_), scores, -np.inf)
    if np.isneginf(scores).all(-1).any():
        raise NotRaised("an attention that is masked whole is not documented")
    return np.asarray(np.matmul(scores if form["norm_op"] == "NONE" else softmax_along(scores, -1), value))
