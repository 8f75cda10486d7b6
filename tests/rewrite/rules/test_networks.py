"""Small networks of well-known kinds end compliant, all rewrites working together."""

from __future__ import annotations

import numpy as np
from mended import Mended, mended, model, normal


def compliant(text: str, scale: float = 0.3, **shapes: tuple[int, ...]) -> Mended:
    weights = {name: scale * normal(*shape) for name, shape in shapes.items()}
    case = mended(model(text, {name: value.astype(np.float32) for name, value in weights.items()}))
    assert case.weights[0].total > 0
    assert case.weights[1].total == 0
    assert case.error() < 1e-5
    return case


def test_a_residual_network() -> None:
    case = compliant(
        """g (float[1,3,32,32] x) => (float[1,10] y) {
            c0 = Conv <strides = [2, 2], pads = [3, 3, 3, 3]> (x, stem)
            r0 = Relu (c0)
            p0 = MaxPool <kernel_shape = [3, 3], strides = [2, 2], pads = [1, 1, 1, 1]> (r0)
            c1 = Conv <pads = [1, 1, 1, 1]> (p0, w1, b1)
            s1 = Add (c1, p0)
            r1 = Relu (s1)
            mean = GlobalAveragePool (r1)
            flat = Flatten (mean)
            y = Gemm <transB = 1> (flat, fc, fb)
        }""",
        stem=(8, 3, 7, 7), w1=(8, 8, 3, 3), b1=(8,), fc=(10, 8), fb=(10,),
    )  # fmt: skip
    assert set(case.operators) == {"Conv", "Relu", "Add", "AveragePool", "Reshape"}


def test_an_inverted_residual_network() -> None:
    compliant(
        """g (float[1,8,14,14] x) => (float[1,10] y) {
            e = Conv (x, expand)
            h = HardSwish (e)
            d = Conv <group = 24, pads = [1, 1, 1, 1]> (h, deep)
            m = GlobalAveragePool (d)
            a = Conv (m, squeeze)
            r = Relu (a)
            b = Conv (r, excite)
            gate = HardSigmoid <alpha = 0.1666667> (b)
            gated = Mul (gate, d)
            p = Conv (gated, project)
            s = Add (p, x)
            mean = ReduceMean <axes = [2, 3], keepdims = 0> (s)
            hidden = Gemm (mean, f1)
            active = HardSwish (hidden)
            y = Gemm (active, f2)
        }""",
        expand=(24, 8, 1, 1), deep=(24, 1, 3, 3), squeeze=(6, 24, 1, 1), excite=(24, 6, 1, 1), project=(8, 24, 1, 1),
        f1=(8, 16), f2=(16, 10),
    )  # fmt: skip


def test_a_network_that_goes_down_and_up_again() -> None:
    compliant(
        """g (float[1,3,16,16] x) => (float[1,2,16,16] y) {
            c = Conv <pads = [1, 1, 1, 1]> (x, w1)
            s = Sigmoid (c)
            a = Mul (c, s)
            p = MaxPool <kernel_shape = [2, 2], strides = [2, 2]> (a)
            q = MaxPool <kernel_shape = [5, 5], pads = [2, 2, 2, 2]> (p)
            both = Concat <axis = 1> (p, q)
            u = ConvTranspose <strides = [2, 2]> (both, up)
            t = Tanh (u)
            n = Sub (a, t)
            y = Conv (n, w2)
        }""",
        w1=(8, 3, 3, 3), up=(16, 8, 2, 2), w2=(2, 8, 1, 1),
    )  # fmt: skip


def test_a_block_of_masked_attention() -> None:
    """As exporters write it: heads cut out of one product, a mask of minus infinity, a guard against NaN."""
    tokens, heads, width = 9, 2, 4
    near = np.abs(np.arange(tokens)[:, None] - np.arange(tokens)) < 3
    stored = {
        "wq": 0.3 * normal(8, 8), "wk": 0.3 * normal(8, 8, seed=2), "wv": 0.3 * normal(8, 8, seed=3),
        "wo": 0.3 * normal(8, 8, seed=4), "scale": np.float32(width**-0.5), "zero": np.float32(0),
        "mask": np.where(near, 0, -np.inf).astype(np.float32), "split": np.array([1, tokens, heads, width]),
        "joined": np.array([1, 1, tokens, 8]),
    }  # fmt: skip
    text = """g (float[1,1,9,8] x) => (float[1,1,9,8] y) {
        q0 = MatMul (x, wq)
        k0 = MatMul (x, wk)
        v0 = MatMul (x, wv)
        q1 = Reshape (q0, split)
        k1 = Reshape (k0, split)
        v1 = Reshape (v0, split)
        q = Transpose <perm = [0, 2, 1, 3]> (q1)
        k = Transpose <perm = [0, 2, 3, 1]> (k1)
        v = Transpose <perm = [0, 2, 1, 3]> (v1)
        products = MatMul (q, k)
        scaled = Mul (products, scale)
        masked = Add (scaled, mask)
        shares = Softmax <axis = -1> (masked)
        bad = IsNaN (shares)
        safe = Where (bad, zero, shares)
        taken = MatMul (safe, v)
        tokens = Transpose <perm = [0, 2, 1, 3]> (taken)
        joined_ = Reshape (tokens, joined)
        o = MatMul (joined_, wo)
        y = Add (o, x)
    }"""
    case = mended(model(text, {name: np.asarray(array) for name, array in stored.items()}))
    assert case.weights[1].total == 0, case.reasons
    assert case.error() < 1e-5
    assert case.difference(scale=10.0) < 1e-3


def test_divisions_one_behind_the_other_are_looked_at_again_each_time() -> None:
    """Of each the one before may be infinite, until it is written so that it saturates: linear attention in stages."""
    text = """g (float[1,4,6,5] x, float[1,4,6,5] z) => (float[1,4,6,5] y) {
        a = Div (x, z)
        b = Sub (a, x)
        c = Div (z, b)
        d = Sub (c, x)
        e = Div (z, d)
        f = Sub (e, x)
        y = Div (z, f)
    }"""
    case = mended(model(text))
    assert case.weights[1].total == 0
    assert "Div" not in case.operators
