"""Constants that a quantiser stored: biases become FLOAT, weights stay quantised in whatever form is permitted."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from mended import SAFETY_10, Mended, mended, model, normal

BIAS = "store-bias-as-float"
STORED = np.array([-(2**31), -12345, 7, 2**31 - 1], np.int32)  # the outer ones are rounded when they become FLOAT


def quantised(scale: Any, attributes: str = "", zero: Any = None) -> Mended:
    text = f"""g (float[1,8,8,8] x) => (float[1,4,8,8] y) {{
        q = QuantizeLinear (x, s, z) d = DequantizeLinear (q, s, z) wd = DequantizeLinear (w, s)
        b = DequantizeLinear {attributes} (bq, bs{"" if zero is None else ", bz"})
        y = Conv (d, wd, b)
    }}"""
    weights = {
        "s": np.float32(0.05), "z": np.int8(0), "bq": STORED, "bs": scale,
        "w": np.random.default_rng(1).integers(-127, 128, (4, 8, 1, 1)).astype(np.int8),
    } | ({} if zero is None else {"bz": zero})  # fmt: skip
    return mended(model(text, weights), BIAS, profile_id=SAFETY_10)


@pytest.mark.parametrize(
    ("scale", "attributes", "zero"),
    [
        (np.float32(3e-4), "", None),
        (np.float32([3e-4, 1e-3, 7e-5, 2e-9]), "<axis = 0>", None),
        (np.float32([3e-4, 1e-3, 7e-5, 2e-9]), "<axis = 0>", np.zeros(4, np.int32)),
    ],
)
def test_a_bias_is_stored_as_the_products(scale: Any, attributes: str, zero: Any) -> None:
    case = quantised(scale, attributes, zero)
    assert (case.weights[0].total, case.weights[1].total) == (1, 0)
    assert case.kinds == ["exact"]
    assert case.difference() == 0
    assert case.operators == ["QuantizeLinear", "DequantizeLinear", "DequantizeLinear", "Conv"]
    assert not mended(case.after, BIAS, profile_id=SAFETY_10).steps


def test_numbers_that_the_network_computes_stay() -> None:
    text = """g (float[1,4] x) => (float[1,4] y) {
        i = Cast <to = 6> (x) b = DequantizeLinear (i, s) y = Relu (b)
    }"""
    assert not mended(model(text, {"s": np.float32(0.5)}), BIAS, profile_id=SAFETY_10).steps


FORMS = {
    "per-tensor": (np.int8, np.float32(0.02), None, ""),
    "per-channel": (np.int8, np.linspace(0.01, 0.03, 8, dtype=np.float32), None, "<axis = 0>"),
    "unsigned": (np.uint8, np.linspace(0.01, 0.03, 8, dtype=np.float32), np.full(8, 128, np.uint8), "<axis = 0>"),
}


def convolved(form: str, attributes: str, weights: tuple[int, ...], made: str, operator: str = "Conv") -> Mended:
    kind, scale, zero, axis = FORMS[form]
    ends = np.iinfo(kind)
    stored = np.random.default_rng(3).integers(ends.min, ends.max, weights, endpoint=True).astype(kind)
    text = f"""g (float[1,8,32,32] x) => (float[{made}] y) {{
        q = QuantizeLinear (x, s, z) d = DequantizeLinear (q, s, z)
        wd = DequantizeLinear {axis} (w, ws{"" if zero is None else ", wz"}) y = {operator} {attributes} (d, wd)
    }}"""
    given = {"s": np.float32(0.05), "z": np.int8(0), "w": stored, "ws": scale} | ({} if zero is None else {"wz": zero})
    return mended(model(text, given), profile_id=SAFETY_10)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("attributes", "weights", "made"),
    [
        ("<strides = [16, 16]>", (8, 8, 16, 16), "1,8,2,2"),  # patches, as vision transformers begin
        ("<strides = [16, 16], pads = [1, 1, 1, 1]>", (8, 8, 3, 3), "1,8,2,2"),
        ("<strides = [9, 2], group = 4>", (8, 2, 3, 3), "1,8,4,15"),
        ("<strides = [1, 12], group = 8, dilations = [2, 1]>", (8, 1, 3, 3), "1,8,28,3"),
    ],
)
def test_a_convolution_beyond_the_limits_stays_quantised(
    form: str, attributes: str, weights: tuple[int, ...], made: str
) -> None:
    case = convolved(form, attributes, weights, made)
    assert case.weights[0].total
    assert not case.weights[1].total
    assert case.error() < 1e-6
    kept = [node.output[0] for node in case.after.graph.node if node.op_type == "DequantizeLinear"]
    assert any(node.input[1] in kept for node in case.after.graph.node if node.op_type == "Conv")
    assert {tensor.data_type for tensor in case.after.graph.initializer} >= {onnx.TensorProto.INT8}
    assert not mended(case.after, profile_id=SAFETY_10).applied


def test_weights_that_the_graph_quantises_are_read() -> None:
    text = """g (float[1,4,32,32] x) => (float[1,6,2,2] y) {
        wq = QuantizeLinear <axis = 0> (w, ws, wz) wd = DequantizeLinear <axis = 0> (wq, ws, wz)
        y = Conv <strides = [16, 16]> (x, wd)
    }"""
    weights = {
        "w": normal(6, 4, 16, 16),
        "ws": np.linspace(0.01, 0.02, 6, dtype=np.float32),
        "wz": np.zeros(6, np.int8),
    }
    case = mended(model(text, weights), profile_id=SAFETY_10)
    assert not case.weights[1].total
    assert "QuantizeLinear" not in case.operators
    assert case.error() < 1e-6


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("operator", ["Conv", "Gemm", "MatMul"])
def test_weights_alone_become_numbers_where_none_are_quantised(form: str, operator: str) -> None:
    kind, scale, zero, axis = FORMS[form]
    shape = (8, 8, 1, 1) if operator == "Conv" else (8, 8)
    stored = np.random.default_rng(3).integers(0, 100, shape).astype(kind)
    data, made = ("1,8,4,4", "1,8,4,4") if operator == "Conv" else ("2,8", "2,8")
    text = f"""g (float[{data}] x) => (float[{made}] y) {{
        wd = DequantizeLinear {axis} (w, ws{"" if zero is None else ", wz"}) y = {operator} (x, wd)
    }}"""
    given = {"w": stored, "ws": scale} | ({} if zero is None else {"wz": zero})
    case = mended(model(text, given), "store-weights-as-signed", "store-weights-as-float")
    assert case.applied[-1] == "store-weights-as-float"
    assert set(case.kinds) == {"exact"}
    assert case.operators == [operator]
    assert case.error() < 1e-6  # onnxruntime packs constant weights, and adds in another order then


def test_numbers_that_eight_bits_do_not_hold_become_floating_point() -> None:
    text = """g (float[1,4] x) => (float[1,4] y) { wd = DequantizeLinear (w, s, z) y = MatMul (x, wd) }"""
    stored = np.arange(16, dtype=np.uint8).reshape(4, 4) * 17
    case = mended(model(text, {"w": stored, "s": np.float32(0.1), "z": np.uint8(3)}), profile_id=SAFETY_10)
    assert case.applied == ["store-weights-as-float"]
    assert not case.weights[1].total
    assert case.error() < 1e-6


def test_a_quantised_activation_says_what_is_unusual_about_it() -> None:
    text = """g (float[1,4] x) => (float[1,4] y) { q = QuantizeLinear (x, s, z) y = DequantizeLinear (q, s, z) }"""
    for zero, words in (
        (np.uint8(3), "it is UINT8 and its zero point is another"),
        (np.int8(3), "use INT8 around zero"),
    ):
        case = mended(model(text, {"s": np.float32(0.1), "z": zero}), profile_id=SAFETY_10)
        assert case.weights[1].total
        assert words in case.reasons
